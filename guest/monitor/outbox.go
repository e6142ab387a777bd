package monitor

import (
	"context"
	"sync"

	"barreleye/urpc"
)

// outbox is what is to be sent to one peer, in order. Whoever puts something in does
// not wait: it goes into the ring at once where there is room, and where there is none a
// goroutine sends it later. Two monitors that both waited for room in each other's rings,
// and took nothing out meanwhile, would wait for ever.
type outbox struct {
	want func() // asks for a channel, while there is none
	any  *bool  // some outbox of this core has lines of which its peer was not told

	mu      *sync.Mutex    // the monitor's, held by whoever calls this
	ch      Sender         // nil: there is none yet
	wanted  bool           // it was asked for
	said    uint64         // lines in all
	lines   []urpc.Message // for which there was no room, or no channel
	sending bool           // a goroutine sends them; nobody else uses the end meanwhile
	untold  bool           // the peer may sleep, and lines are in the ring
	room    sync.Cond
}

// mostLines is how many lines may be waiting before this monitor takes nothing more
// from that peer. A peer that keeps the protocols asks for less than that without
// taking the answers.
const mostLines = 1 << 14

func newOutbox(mu *sync.Mutex, any *bool, want func()) *outbox {
	return &outbox{mu: mu, want: want, any: any, room: sync.Cond{L: mu}}
}

// begin says that lines go into a channel from now on, and which one goes first.
func (o *outbox) begin(ch Sender, first *urpc.Message) {
	held := o.lines
	o.ch, o.lines = ch, nil
	o.send(first)
	for i := range held {
		o.send(&held[i])
	}
	o.tell()
}

// put has a line sent, and the peer woken where it sleeps.
func (o *outbox) put(l *urpc.Message) {
	o.send(l)
	o.tell()
}

// later is put, but the peer is not woken before tell: whoever looks for its answer next
// mostly finds it awake, and saves a fence.
func (o *outbox) later(l *urpc.Message) {
	o.send(l)
	*o.any = true
}

// tell wakes the peer, if need be.
func (o *outbox) tell() {
	if o.untold && !o.sending { // who sends wakes it
		o.untold = false
		o.ch.Flush()
	}
}

// heard says that the peer has taken the first lines, so many in all: it was awake after the
// last of them.
func (o *outbox) heard(lines uint64) {
	if o.said == lines {
		o.untold = false
	}
}

// send sends a line. Where the peer is gone, nothing of it matters any more;
// its end of the other direction says so.
func (o *outbox) send(l *urpc.Message) {
	o.said++
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
}

// crowded reports whether too many lines are waiting.
func (o *outbox) crowded() bool { return len(o.lines) > mostLines }

// waitRoom returns once few enough lines are waiting.
func (o *outbox) waitRoom() {
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
		o.room.Broadcast()
		o.tell()
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
