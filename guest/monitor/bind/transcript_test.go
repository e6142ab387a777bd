package bind

import (
	"fmt"
	"strings"
	"testing"

	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/transcript"
	"barreleye/urpc"
)

// note writes a line of the transcript.
func (t *trial) note(format string, args ...any) {
	if t.log != nil {
		fmt.Fprintf(t.log, format+"\n", args...)
	}
}

func (t *trial) delivered(core, from int, line *urpc.Message) {
	if t.log != nil {
		t.note("core %d <- core %d: %s", core, from, describe(line))
	}
}

func (t *trial) did(core int, a *Action) {
	if t.log == nil {
		return
	}
	switch a.Kind {
	case ActZero:
		t.note("core %d zeroes pages %d to %d towards core %d", core, a.Page, a.Page+a.Pages-1, a.Peer)
	case ActPublish:
		t.note("core %d publishes in place %d towards core %d: %+v", core, a.Slot, a.Peer, a.Entry)
	case ActClear:
		t.note("core %d clears place %d towards core %d", core, a.Slot, a.Peer)
	case ActHangUp:
		t.note("core %d hangs up at page %d", core, a.Entry.Page)
	case ActSend:
		t.note("core %d -> core %d: %s", core, a.Peer, describe(&a.Line))
	case ActDialed:
		t.note("core %d: its channel %d is dialed: %v", core, a.ID, a.Err)
	case ActOffered:
		t.note("core %d: channel %d is offered for %q", core, a.ID, a.Service)
	}
}

func describe(line *urpc.Message) string {
	var m message
	if err := m.decode(line); err != nil {
		return err.Error()
	}
	name := fmt.Sprintf("place %d gen %d", m.slot, m.gen)
	switch m.kind {
	case kindRequest:
		return fmt.Sprintf("request %s for %q: %d lines at page %d, %d back, profile %d, epoch %d, wait %v",
			name, m.service, m.lines, m.page, m.peerLines, m.profile, m.epoch, m.wait)
	case kindAccept:
		return fmt.Sprintf("accept %s: %d lines at page %d", name, m.lines, m.page)
	case kindRefuse:
		return fmt.Sprintf("refuse %s: %v", name, reasons[m.reason])
	}
	return fmt.Sprintf("done %s, mine %v", name, m.mine)
}

// TestTranscripts compares what is said in a few short runs with what was said when
// somebody last read them.
func TestTranscripts(t *testing.T) {
	for name, r := range map[string]*trial{
		"two-cores": trialOf(2, 0, false, simulate.Seeded(8, false)),
		"death":     trialOf(2, 1, false, simulate.Seeded(7185, false)),
		"return":    trialOf(2, 1, true, simulate.Seeded(5402, false)),
	} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			r.log = &text
			if err := r.run(); err != nil {
				t.Fatal(err)
			}
			transcript.Compare(t, name, text.String())
		})
	}
}
