package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"barreleye/vmm/operator"
)

// psMonitors shows what the monitor of each core that lives holds.
func (h *Host) psMonitors(output format, name string) error {
	client, _, err := h.connect("ps", name)
	if err != nil {
		return err
	}
	defer client.Close()
	cores, err := livingCores(client)
	if err != nil {
		return err
	}
	list := []operator.MonitorReport{}
	for _, core := range cores {
		var r operator.MonitorReport
		if err := client.Do(operator.Monitor, operator.MonitorArgs{Core: core}, &r); err != nil {
			h.note("ps: %v", err) // the others are shown all the same
			continue
		}
		list = append(list, r)
	}
	if output == formatJSON {
		return writeJSON(h.Stdout, list)
	}
	return monitorsTable(h.Stdout, list)
}

// monitorsTable writes a monitor a line.
func monitorsTable(w io.Writer, list []operator.MonitorReport) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "CORE\tLIFE\tEPOCH\tMEMBERS\tJOINING\tSTATE\tOWN\tOTHERS\tWAITING\tCHANNELS\tNAMES")
	for _, r := range list {
		joining, state := "-", "ready"
		if r.Joining >= 0 {
			joining = fmt.Sprint(r.Joining)
		}
		switch {
		case !r.Ready:
			state = "joining"
		case r.Epoch != r.Published:
			state = fmt.Sprintf("behind %d", r.Published)
		}
		fmt.Fprintf(t, "%d\t%d\t%d\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\n", r.Core.Core, r.Life, r.Epoch, strings.Trim(fmt.Sprint(r.Members), "[]"),
			joining, state, r.Own, r.Others, r.Waiting, r.Channels, len(r.Services)+len(r.Locks)+len(r.Barriers))
	}
	return t.Flush()
}
