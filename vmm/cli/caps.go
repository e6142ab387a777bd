package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"barreleye/guest/monitor/caps"
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
	walk(r.Own, 0, func(o operator.Object) (id, parent uint64) { return o.ID, o.Parent }, func(depth int, o operator.Object) {
		rights := cmp.Or(strings.Join(o.Rights, " "), "-") // none: it is only there because of what was cut from it
		fmt.Fprintf(t, "%s%s\t%#x\t%s\t%s\t%s\n", strings.Repeat("  ", depth), o.Type, o.Base, sizeOf(o.Extent), rights, cmp.Or(o.Entry, "-"))
	})
	fmt.Fprintf(t, "\nSHARED MEMORY\tBASE\tSIZE\tID\tOWNER\tHOLDERS\n")
	walk(r.Shared, "", func(e operator.Entry) (id, parent string) { return e.ID, e.Parent }, func(depth int, e operator.Entry) {
		var holders []string
		for _, h := range e.Holders {
			holders = append(holders, fmt.Sprintf("%d:%s", h.Core, h.Rights))
		}
		fmt.Fprintf(t, "%s%s\t%#x\t%s\t%s\t%d\t%s\n", strings.Repeat("  ", depth), e.Type, e.Base, sizeOf(e.Extent), e.ID, e.Owner, strings.Join(holders, " "))
	})
	fmt.Fprintf(t, "free\t\t%s\t\t\tof %s\n", kibibytes(r.Free), kibibytes(r.Size))
	return t.Flush()
}

// walk visits what is below root in a list of a tree's nodes, each before what is below it. A
// core may say anything: what is its own parent is left out, and nothing is followed twice.
func walk[Node any, ID comparable](list []Node, root ID, name func(Node) (id, parent ID), visit func(depth int, n Node)) {
	followed := map[ID]bool{root: true}
	var below func(parent ID, depth int)
	below = func(parent ID, depth int) {
		for _, n := range list {
			id, up := name(n)
			if up != parent || id == parent {
				continue
			}
			visit(depth, n)
			if !followed[id] {
				followed[id] = true
				below(id, depth+1)
			}
		}
	}
	below(root, 0)
}

// sizeOf writes how large something is, or how many numbers it is.
func sizeOf(e operator.Extent) string {
	if e.Type == caps.Endpoint.String() || e.Type == caps.IRQ.String() {
		return fmt.Sprint(e.Size)
	}
	return kibibytes(e.Size)
}

// kibibytes writes a size.
func kibibytes(bytes uint64) string { return fmt.Sprintf("%d KiB", bytes>>10) }
