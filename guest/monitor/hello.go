package monitor

import (
	"context"
	"errors"
	"fmt"
	"os"

	"barreleye/devices/layout"
	"barreleye/urpc"
)

// Message types between monitors.
const typeHello = 1

// peer speaks to one other monitor: it says hello, and hears the other's.
//
//	core a                         core b
//	  hello(core a, life, ABI)  ->
//	                            <- hello(core b, life, ABI)
//
// Both may say it at once; neither waits for the other's before it speaks.
func (m *Monitor) peer(peer int, ch Channel) {
	err := m.handshake(peer, ch)
	if errors.Is(err, urpc.ErrClosed) {
		return // its program ended before it could say hello
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "monitor: core %d: hello with core %d: %v\n", m.cfg.Core, peer, err)
		return
	}
	m.heard <- peer
}

func (m *Monitor) handshake(peer int, ch Channel) error {
	ctx := context.Background()
	hello := urpc.Message{Type: typeHello, Len: 24, Words: [7]uint64{uint64(m.cfg.Core), m.cfg.Life, layout.ABI}}
	if err := ch.Send(ctx, &hello); err != nil {
		return err
	}
	var got urpc.Message
	if err := ch.Recv(ctx, &got); err != nil {
		return err
	}
	switch {
	case got.Type != typeHello || got.Words[0] != uint64(peer):
		return fmt.Errorf("unexpected message of type %d from core %d", got.Type, got.Words[0])
	case got.Words[2] != layout.ABI:
		return fmt.Errorf("its ABI is %d, ours %d: rebuild its image", got.Words[2], layout.ABI)
	}
	return nil
}
