package urpc

import "sync/atomic"

// An end outlives the core at the other end, and its memory is wanted for that core's
// next life, whose ends are others. Detach gives a dead peer's end memory of its own in
// place of the shared one: what the peer had sent and nobody has taken yet is copied,
// what the end still writes goes nowhere, and after what came before it says ErrClosed, as
// it would have without.
//
// The end's owner may be inside any of its methods meanwhile, and the fast paths know
// nothing of this: Detach only turns pointers to memory of the same shape, each by one
// store, and what stands in the old memory stays until the owner of the region is sure
// that nobody is inside any more who loaded a pointer before (package guest does that).
// The peer must be buried: its memory does not change any more.

// NewEnded makes a detached end whose peer had sent nothing.
func NewEnded(link Link) (*Conn, error) {
	var sides [2]Side
	for i := range sides {
		side, err := SideOf(make([]byte, SideBytes(MinLines)), MinLines)
		if err != nil {
			return nil, err
		}
		sides[i] = side
	}
	BurySide(sides[1], sides[0], link.Epoch)
	return NewConn(sides[0], sides[1], link)
}

// Detach makes the end independent of shared memory.
func (c *Conn) Detach() {
	c.Sender.Detach()
	c.Receiver.Detach()
}

// Detach makes the end independent of shared memory.
func (b *Bulk) Detach() {
	b.BulkSender.Detach()
	b.BulkReceiver.Detach()
}

// Detach makes the end independent of shared memory: see Conn.Detach.
func (s *Sender) Detach() {
	nowhere := make([]Line, len(s.ring))
	store(&s.peer, s.peer.copy())
	store(&s.own, new(Control))
	store(&s.counts, new(SendCounts))
	if p := s.sampler; p != nil {
		p.detach()
	}
	turn(&s.ring, nowhere)
}

// Detach makes the end independent of shared memory: see Conn.Detach.
func (r *Receiver) Detach() {
	left := make([]Line, len(r.ring))
	from := atomic.LoadUint64(&r.own.ack) &^ ackClosed
	end := finished(r.ring, from, r.epoch)
	for n := from; n-from < uint64(len(left)) && n <= end; n++ {
		i := n & uint64(len(left)-1)
		left[i] = r.ring[i] // the last one is the close mark
	}
	r.giver.detach(end)
	if p := r.recorder; p != nil {
		p.detach()
	}
	store(&r.peer, r.peer.copy())
	turn(&r.ring, left)
}

// Detach makes the end independent of shared memory: see Conn.Detach. Lines that Reserve
// returned before stay those of the shared ring.
func (s *BulkSender) Detach() {
	nowhere := make([]Block, len(s.ring))
	store(&s.peer, s.peer.copy())
	store(&s.own, new(Control))
	store(&s.counts, new(SendCounts))
	if p := s.sampler; p != nil {
		p.detach()
	}
	turn(&s.ring, nowhere)
}

// Detach makes the end independent of shared memory: see Conn.Detach. Lines that Peek
// returned before stay those of the shared ring.
func (r *BulkReceiver) Detach() {
	left := make([]Block, len(r.ring))
	from := atomic.LoadUint64(&r.own.ack) &^ ackClosed
	end := min(atomic.LoadUint64(&r.peer.index)&indexCount, from+uint64(len(left)))
	for n := from; n-from < uint64(len(left)) && n < end; n++ {
		i := n & uint64(len(left)-1)
		left[i] = r.ring[i]
	}
	r.giver.detach(end)
	if p := r.recorder; p != nil {
		p.detach()
	}
	store(&r.peer, r.peer.copy())
	turn(&r.ring, left)
}

// Detach makes the end independent of shared memory: see Conn.Detach.
func (e *callEnd) Detach() {
	line := *e.line
	store(&e.peer, e.peer.copy())
	store(&e.own, new(Control))
	store(&e.line, &line)
}

// Detach makes member i's part independent of shared memory: it is left out from when the
// writer looks next.
func (b *Broadcaster) Detach(i int) {
	c := b.members[i].control.copy()
	c.ack |= ackClosed
	store(&b.members[i].control, c)
}

// copy returns a private copy of what a dead core said.
func (c *Control) copy() *Control {
	return &Control{
		state: atomic.LoadUint64(&c.state), sent: atomic.LoadUint64(&c.sent),
		ack: atomic.LoadUint64(&c.ack), index: atomic.LoadUint64(&c.index),
	}
}

// detach counts what the peer had sent, all of it, as received.
func (g *giver) detach(sent uint64) {
	if !g.closed {
		publish(&g.counts.Messages, sent)
	}
	store(&g.own, &Control{ack: atomic.LoadUint64(&g.own.ack)})
	store(&g.counts, new(RecvCounts))
}

func (s *sampler) detach() {
	taken := atomic.LoadUint64(s.taken)
	store(&s.taken, &taken)
	store(&s.stamps, new([stampCount]Stamp))
}

func (r *recorder) detach() {
	stamps := *r.stamps
	store(&r.stats, &Stats{Latency: Latency{Taken: r.stats.Latency.Taken}})
	store(&r.stamps, &stamps)
}
