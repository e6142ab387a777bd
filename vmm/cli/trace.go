package cli

import (
	"strings"

	"barreleye/urpc/trace"
	"barreleye/vmm/multikernel"

	"github.com/spf13/cobra"
)

// traced are the groups of --trace-events.
var traced = []struct {
	name, shows string
	kinds       trace.Set
}{
	{"driver", "system calls, interrupts, threads, sleep", trace.DriverKinds},
	{"messages", "sends, receives, waits", trace.MessageKinds},
	{"monitor", "handshakes, channels, the collector", trace.MonitorKinds},
	{"program", "what programs note themselves", trace.UserKinds},
	{"vmm", "exits and lives", trace.VMMKinds},
}

const tracedAll = "all"

// traceGroups are the completions of --trace-events.
func traceGroups() []cobra.Completion {
	list := []cobra.Completion{cobra.CompletionWithDesc(tracedAll, "everything")}
	for _, g := range traced {
		list = append(list, cobra.CompletionWithDesc(g.name, g.shows))
	}
	return list
}

// traceKinds returns the kinds of the groups, all of them for none.
func traceKinds(groups []string) (kinds trace.Set, err error) {
	if len(groups) == 0 {
		return trace.AllKinds, nil
	}
next:
	for _, name := range groups {
		if name == tracedAll {
			return trace.AllKinds, nil
		}
		for _, g := range traced {
			if g.name == name {
				kinds |= g.kinds
				continue next
			}
		}
		var names []string
		for _, g := range traced {
			names = append(names, g.name)
		}
		return 0, usage("run: --trace-events %s: no such group: use %s, or %s", name, tracedAll, strings.Join(names, ", "))
	}
	return kinds, nil
}

// traced says what a trace came to.
func (h *Host) traced(t *multikernel.TraceReport) {
	if t == nil {
		return
	}
	h.note("trace in %s: %d records, %d messages from send to receive, %d records lost: open it at https://ui.perfetto.dev", t.File, t.Records, t.Arrows, t.Lost)
}
