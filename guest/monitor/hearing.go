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
	event      agreement.Event
	deaf       bool // it says what no machine says
}

// take takes a line.
func (h *hearing) take(l *urpc.Message) {
	if h.deaf {
		return
	}
	e := &h.event
	e.From = h.peer
	var whole bool
	var err error
	switch l.Type {
	case agreement.TypeSnapshot, agreement.TypeSnapshotMore:
		e.Kind = agreement.EventSnapshot
		e.Snapshot, whole, err = h.snapshots.Take(l)
	default:
		e.Kind = agreement.EventMessage
		whole, err = h.messages.Take(l, &e.Message)
	}
	switch {
	case err != nil:
		h.deaf = true
		fmt.Fprintf(os.Stderr, "monitor: core %d: core %d: %v: nothing is agreed on with it any more: restart it\n", h.core, h.peer, err)
	case whole:
		h.to.receive(e)
	}
}
