package bind

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"barreleye/guest/monitor/simulate"
	"barreleye/urpc"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// transcript is what happens in a run, in words; nil takes no notes.
type transcript struct{ text strings.Builder }

func (l *transcript) note(format string, args ...any) {
	if l != nil {
		fmt.Fprintf(&l.text, format+"\n", args...)
	}
}

func (l *transcript) delivered(core, from int, line *urpc.Message) {
	if l != nil {
		l.note("core %d <- core %d: %s", core, from, describe(line))
	}
}

func (l *transcript) did(core int, a *Action) {
	if l == nil {
		return
	}
	switch a.Kind {
	case ActZero:
		l.note("core %d zeroes pages %d to %d towards core %d", core, a.Page, a.Page+a.Pages-1, a.Peer)
	case ActPublish:
		l.note("core %d publishes in place %d towards core %d: %+v", core, a.Slot, a.Peer, a.Entry)
	case ActClear:
		l.note("core %d clears place %d towards core %d", core, a.Slot, a.Peer)
	case ActHangUp:
		l.note("core %d hangs up at page %d", core, a.Entry.Page)
	case ActSend:
		l.note("core %d -> core %d: %s", core, a.Peer, describe(&a.Line))
	case ActDialed:
		l.note("core %d: its channel %d is dialed: %v", core, a.ID, a.Err)
	case ActOffered:
		l.note("core %d: channel %d is offered for %q", core, a.ID, a.Service)
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
		"two-cores": trialOf(2, 0, simulate.Seeded(8, false)),
		"death":     trialOf(2, 1, simulate.Seeded(11, false)),
	} {
		t.Run(name, func(t *testing.T) {
			r.log = &transcript{}
			if err := r.run(); err != nil {
				t.Fatal(err)
			}
			text := r.log.text.String()
			file := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if text != string(want) {
				t.Errorf("%s has another transcript; read it, and run go test ./guest/monitor/bind -run TestTranscripts -update:\n%s", file, text)
			}
		})
	}
}
