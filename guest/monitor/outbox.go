package monitor

import (
	"context"
	"sync"

	"barreleye/urpc"
)

// outbox is what is to be sent to one peer, in order. Whoever puts something in does
// not wait: two monitors that both waited for room in each other's rings, and took
// nothing out meanwhile, would wait for ever.
type outbox struct {
	ch Channel

	mu      sync.Mutex
	lines   []urpc.Message
	sending bool // a goroutine empties it
	room    sync.Cond
}

// mostLines is how many lines may be waiting before this monitor takes nothing more
// from that peer. A peer that keeps the protocols asks for less than that without
// taking the answers.
const mostLines = 1 << 14

func newOutbox(ch Channel) *outbox {
	o := &outbox{ch: ch}
	o.room.L = &o.mu
	return o
}

// put has a line sent.
func (o *outbox) put(l *urpc.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, *l)
	if !o.sending {
		o.sending = true
		go o.empty()
	}
}

// waitRoom returns once few enough lines are waiting.
func (o *outbox) waitRoom() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.lines) > mostLines {
		o.room.Wait()
	}
}

// empty sends until nothing is left. Where the peer is gone, nothing of it matters any
// more; its end of the other direction says so.
func (o *outbox) empty() {
	for {
		o.mu.Lock()
		lines := o.lines
		o.lines = nil
		o.sending = len(lines) > 0
		o.room.Broadcast()
		o.mu.Unlock()
		if len(lines) == 0 {
			return
		}
		for i := range lines {
			if o.ch.Send(context.Background(), &lines[i]) != nil {
				break
			}
		}
	}
}
