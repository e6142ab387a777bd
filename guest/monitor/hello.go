package monitor

import (
	"errors"
	"fmt"
	"os"

	"barreleye/devices/layout"
	"barreleye/urpc"
	"barreleye/urpc/trace"
)

// Message types between monitors.
const typeHello = 1

// peer hears one other monitor: its hello first, then what there is to agree on.
//
//	core a                         core b
//	  hello(core a, life, ABI)  ->
//	                            <- hello(core b, life, ABI)
//
// Without a tree each core says it to all, with one to those with which it has a channel
// (mesh.go). Both may say it at once; neither waits for the other's before it speaks.
func (m *Monitor) peer(o *ear) {
	err := m.ears.hear(o)
	m.mu.Lock()
	m.ears.drop(o)
	m.mu.Unlock()
	if !errors.Is(err, urpc.ErrClosed) { // its life ended
		fmt.Fprintf(os.Stderr, "monitor: core %d: core %d: %v\n", m.cfg.Core, o.peer, err)
	}
	trace.Event(trace.Member, uint64(o.peer), 0)
	m.channels.gone(o.peer)
}

// hello tells a peer who this is, before anything else.
func (m *Monitor) hello() urpc.Message {
	return urpc.Message{Type: typeHello, Len: 24, Words: [7]uint64{uint64(m.cfg.Core), m.cfg.Life, layout.ABI}}
}

func (m *Monitor) checkHello(peer int, life uint64, got *urpc.Message) error {
	switch {
	case got.Type != typeHello || got.Words[0] != uint64(peer):
		return fmt.Errorf("hello: unexpected message of type %d from core %d", got.Type, got.Words[0])
	case got.Words[1] != life:
		return fmt.Errorf("hello: from its life %d, the VMM says that it lives its life %d", got.Words[1], life)
	case got.Words[2] != layout.ABI:
		return fmt.Errorf("hello: its ABI is %d, ours %d: rebuild its image", got.Words[2], layout.ABI)
	}
	trace.Event(trace.Hello, uint64(peer), got.Words[1])
	return nil
}
