package monitor

import (
	"fmt"
	"os"

	"barreleye/guest/monitor/agreement"
	"barreleye/urpc"
)

// hearing is what one life of a peer says about agreement.
type hearing struct {
	peer, core int
	to         *agreed
	messages   agreement.Reader
	snapshots  agreement.SnapshotReader
	message    agreement.Message
	deaf       bool // it says what no machine says
}

// take takes a line.
func (h *hearing) take(l *urpc.Message) {
	if h.deaf {
		return
	}
	var whole bool
	var err error
	switch l.Type {
	case agreement.TypeSnapshot, agreement.TypeSnapshotMore:
		e := agreement.Event{Kind: agreement.EventSnapshot, From: h.peer}
		if e.Snapshot, whole, err = h.snapshots.Take(l); whole {
			h.to.receive(&e)
		}
	default:
		if whole, err = h.messages.Take(l, &h.message); whole {
			h.to.hear(h.peer, &h.message)
		}
	}
	if err != nil {
		h.deaf = true
		fmt.Fprintf(os.Stderr, "monitor: core %d: core %d: %v: nothing is agreed on with it any more: restart it\n", h.core, h.peer, err)
	}
}
