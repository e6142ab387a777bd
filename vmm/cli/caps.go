package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"barreleye/vmm/operator"

	"github.com/spf13/cobra"
)

func (h *Host) capsCommand() *cobra.Command {
	var (
		core   int
		output format
	)
	cmd := &cobra.Command{
		Use:   "caps [flags] [RUN]",
		Short: "Show the capabilities of a core of a run that lives",
		Long: `Caps shows what a core has capabilities to, each below what it was cut from, and then the
shared memory that cores hold, as all of them know it. RUN is as for 'barreleye ps'.`,
		Example: `  barreleye caps
  barreleye caps --core 2 -o json`,
		Args: needs(),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkAnyCore("caps", core); err != nil {
				return err
			}
			return h.caps(core, output, runAfter(args, 0))
		},
		ValidArgsFunction: h.completeLivingAfter(0),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().IntVar(&core, "core", allCores, "whose, -1 for the first that lives")
	outputFlag(cmd, &output)
	return cmd
}

func (h *Host) caps(core int, output format, name string) error {
	client, run, err := h.connect("caps", name)
	if err != nil {
		return err
	}
	defer client.Close()
	if core, err = coreOrFirst("caps", core, client, run); err != nil {
		return err
	}
	var r operator.CapsReport
	if err := client.Do(operator.Caps, operator.CapsArgs{Core: core}, &r); err != nil {
		return err
	}
	if output == formatJSON {
		return writeJSON(h.Stdout, &r)
	}
	return capsTable(h.Stdout, &r)
}

// capsTable writes an object or an entry a line, below what it was cut from.
func capsTable(w io.Writer, r *operator.CapsReport) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "CORE %d HAS\tBASE\tSIZE\tRIGHTS\tSHARED AS\n", r.Core.Core)
	depth := map[uint64]int{}
	var own func(parent uint64)
	own = func(parent uint64) {
		for _, o := range r.Own {
			if o.Parent != parent || o.ID == parent {
				continue
			}
			shared := "-"
			if o.Entry != "" {
				shared = o.Entry
			}
			rights := "-" // it is only there because of what was cut from it
			if len(o.Rights) > 0 {
				rights = strings.Join(o.Rights, " ")
			}
			fmt.Fprintf(t, "%s%s\t%#x\t%s\t%s\t%s\n", strings.Repeat("  ", depth[parent]), o.Type, o.Base, kibibytes(o.Size), rights, shared)
			if _, shown := depth[o.ID]; !shown { // a core may say anything
				depth[o.ID] = depth[parent] + 1
				own(o.ID)
			}
		}
	}
	own(0)
	fmt.Fprintf(t, "\nSHARED MEMORY\tBASE\tSIZE\tID\tOWNER\tHOLDERS\n")
	level := map[string]int{}
	var shared func(parent string)
	shared = func(parent string) {
		for _, e := range r.Shared {
			if e.Parent != parent || e.ID == parent {
				continue
			}
			var holders []string
			for _, h := range e.Holders {
				holders = append(holders, fmt.Sprintf("%d:%s", h.Core, h.Rights))
			}
			fmt.Fprintf(t, "%s%s\t%#x\t%s\t%s\t%d\t%s\n", strings.Repeat("  ", level[parent]), e.Type, e.Base, kibibytes(e.Size), e.ID, e.Owner, strings.Join(holders, " "))
			if _, shown := level[e.ID]; !shown {
				level[e.ID] = level[parent] + 1
				shared(e.ID)
			}
		}
	}
	shared("")
	fmt.Fprintf(t, "free\t\t%s\t\t\tof %s\n", kibibytes(r.Free), kibibytes(r.Size))
	return t.Flush()
}

// kibibytes writes a size.
func kibibytes(bytes uint64) string { return fmt.Sprintf("%d KiB", bytes>>10) }
