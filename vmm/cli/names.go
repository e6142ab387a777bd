package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"barreleye/vmm/operator"

	"github.com/spf13/cobra"
)

func (h *Host) namesCommand() *cobra.Command {
	var (
		core   int
		output format
	)
	cmd := &cobra.Command{
		Use:   "names [flags] [RUN]",
		Short: "Show the services, locks and barriers of a run that lives",
		Long: `Names shows what has a name: services that cores offer, locks that they hold, and how often
they have come to barriers. All cores have the same names; what is shown is what one of
them knows at that moment. RUN is as for 'barreleye ps'.`,
		Example: `  barreleye names
  barreleye names --core 2 -o json`,
		Args: needs(),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkAnyCore("names", core); err != nil {
				return err
			}
			return h.names(core, output, runAfter(args, 0))
		},
		ValidArgsFunction: h.completeLivingAfter(0),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().IntVar(&core, "core", allCores, "what this core knows, -1 for the first that lives")
	outputFlag(cmd, &output)
	return cmd
}

func (h *Host) names(core int, output format, name string) error {
	client, run, err := h.connect("names", name)
	if err != nil {
		return err
	}
	defer client.Close()
	if core, err = coreOrFirst("names", core, client, run); err != nil {
		return err
	}
	var r operator.MonitorReport
	if err := client.Do(operator.Monitor, operator.MonitorArgs{Core: core}, &r); err != nil {
		return err
	}
	if output == formatJSON {
		return writeJSON(h.Stdout, &r)
	}
	return namesTable(h.Stdout, &r)
}

// namesTable writes a name a line.
func namesTable(w io.Writer, r *operator.MonitorReport) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "KIND\tNAME\tCORE\tKNOWN OF IT")
	for _, s := range r.Services {
		var known []string
		for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
			known = append(known, key+"="+s.Properties[key])
		}
		fmt.Fprintf(t, "service\t%q\t%d\t%s\n", s.Name, s.Core, strings.Join(known, " "))
	}
	for _, l := range r.Locks {
		fmt.Fprintf(t, "lock\t%q\t%d\tholds it\n", l.Name, l.Core)
	}
	for _, b := range r.Barriers {
		for _, core := range slices.Sorted(maps.Keys(b.Arrived)) {
			fmt.Fprintf(t, "barrier\t%q\t%d\tcame %d times\n", b.Name, core, b.Arrived[core])
		}
	}
	return t.Flush()
}
