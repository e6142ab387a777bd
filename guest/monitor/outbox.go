package monitor

import (
	"context"
	"sync"
	"sync/atomic"

	"barreleye/urpc"
)

// outbox is what is to be sent to one peer, in order. Whoever puts something in does
// not wait: it goes into the ring at once where there is room, and where there is none a
// goroutine sends it later. Two monitors that both waited for room in each other's rings,
// and took nothing out meanwhile, would wait for ever.
type outbox struct {
	want func()       // asks for a channel, while there is none
	any  *atomic.Bool // some outbox of this core has lines of which its peer was not told

	mu      sync.Mutex
	ch      Channel        // nil: there is none yet
	wanted  bool           // it was asked for
	lines   []urpc.Message // for which there was no room, or no channel
	sending bool           // a goroutine sends them; nobody else uses the end meanwhile
	untold  bool           // the peer may sleep, and lines are in the ring
	room    sync.Cond
	waiting atomic.Int64 // lines
}

// mostLines is how many lines may be waiting before this monitor takes nothing more
// from that peer. A peer that keeps the protocols asks for less than that without
// taking the answers.
const mostLines = 1 << 14

func newOutbox(any *atomic.Bool, want func()) *outbox {
	o := &outbox{want: want, any: any}
	o.room.L = &o.mu
	return o
}

// begin says that lines go into a channel from now on, and which one goes first.
func (o *outbox) begin(ch Channel, first *urpc.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	held := o.lines
	o.ch, o.lines = ch, nil
	o.waiting.Add(-int64(len(held)))
	o.send(first)
	for i := range held {
		o.send(&held[i])
	}
	o.wake()
}

// put has a line sent, and the peer woken where it sleeps.
func (o *outbox) put(l *urpc.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.send(l)
	o.wake()
}

// later is put, but the peer is not woken before tell: whoever looks for its answer next
// mostly finds it awake, and saves a fence.
func (o *outbox) later(l *urpc.Message) {
	o.mu.Lock()
	o.send(l)
	o.mu.Unlock()
	if !o.any.Load() {
		o.any.Store(true)
	}
}

// tell wakes the peer, if need be.
func (o *outbox) tell() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wake()
}

// send sends a line, with mu held. Where the peer is gone, nothing of it matters any more;
// its end of the other direction says so.
func (o *outbox) send(l *urpc.Message) {
	switch {
	case o.ch == nil:
		if !o.wanted {
			o.wanted = true
			o.want()
		}
	case !o.sending:
		if err := o.ch.TrySend(l); err != urpc.ErrFull {
			o.untold = true
			return
		}
		o.sending = true
		go o.empty()
	}
	o.lines = append(o.lines, *l)
	o.waiting.Add(1)
}

func (o *outbox) wake() {
	if o.untold && !o.sending { // who sends wakes it
		o.untold = false
		o.ch.Flush()
	}
}

// crowded reports whether too many lines are waiting.
func (o *outbox) crowded() bool { return o.waiting.Load() > mostLines }

// waitRoom returns once few enough lines are waiting.
func (o *outbox) waitRoom() {
	if !o.crowded() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.crowded() {
		o.room.Wait()
	}
}

// empty sends until nothing is left.
func (o *outbox) empty() {
	for {
		o.mu.Lock()
		lines := o.lines
		o.lines = nil
		o.sending = len(lines) > 0
		o.waiting.Add(-int64(len(lines)))
		o.room.Broadcast()
		o.wake()
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
