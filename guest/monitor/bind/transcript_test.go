package bind

import (
	"fmt"
	"testing"

	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/seeds"
	"barreleye/urpc"
)

func (t *trial) delivered(core, from int, line *urpc.Message) {
	if t.world.Log != nil {
		t.world.Note("core %d <- core %d: %s", core, from, describe(line))
	}
}

func (t *trial) did(core int, a *Action) {
	if t.world.Log == nil {
		return
	}
	switch a.Kind {
	case ActZero:
		t.world.Note("core %d zeroes pages %d to %d towards core %d", core, a.Page, a.Page+a.Pages-1, a.Peer)
	case ActPublish:
		t.world.Note("core %d publishes in place %d towards core %d: %+v", core, a.Slot, a.Peer, a.Entry)
	case ActClear:
		t.world.Note("core %d clears place %d towards core %d", core, a.Slot, a.Peer)
	case ActHangUp:
		t.world.Note("core %d hangs up at page %d", core, a.Entry.Page)
	case ActSend:
		t.world.Note("core %d -> core %d: %s", core, a.Peer, describe(&a.Line))
	case ActDialed:
		t.world.Note("core %d: its channel %d is dialed: %v", core, a.ID, a.Err)
	case ActOffered:
		t.world.Note("core %d: channel %d is offered for %q", core, a.ID, a.Service)
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

// TestTranscripts shows what is said in a few short runs.
func TestTranscripts(t *testing.T) {
	seeds.Transcripts(t, map[string]simulate.Trial{
		"two-cores": {Cores: 2, Choices: simulate.Seeded(8, false)},
		"death":     {Cores: 2, Deaths: 1, Choices: simulate.Seeded(7185, false)},
		"return":    {Cores: 2, Deaths: 1, Returns: true, Choices: simulate.Seeded(5402, false)},
	}, func(s simulate.Trial) error { return newTrial(s, correct).world.Run() })
}
