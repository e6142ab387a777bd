package urpc

// Conn is one end of a duplex channel: a ring in each direction. One goroutine
// at a time uses it as a whole, because its Recv flushes its Sender; two
// goroutines want a Sender and a Receiver of their own.
//
// A request followed by its answer is TrySend, Recv: Recv polls for the answer
// first, and wakes the peer only when none came soon.
type Conn struct {
	*Sender
	*Receiver
}

// NewConn makes the end that writes own and reads peer. It fails with ErrLayout.
func NewConn(own, peer Side, link Link) (*Conn, error) {
	s, r, err := NewHalves(own, peer, link)
	if err != nil {
		return nil, err
	}
	r.pair = s
	return &Conn{Sender: s, Receiver: r}, nil
}

// NewHalves makes the same end for two goroutines, of which one sends and the other
// receives. Neither does anything for the other. It fails with ErrLayout.
func NewHalves(own, peer Side, link Link) (*Sender, *Receiver, error) {
	s, err := NewSender(own.Ring, own.Tx, peer.Rx, link)
	if err != nil {
		return nil, nil, err
	}
	r, err := NewReceiver(peer.Ring, own.Rx, peer.Tx, link)
	if err != nil {
		return nil, nil, err
	}
	if own.Stats != nil {
		s.counts, r.counts = &own.Stats.Send, &own.Stats.Recv
	}
	if link.Latency && own.Stats != nil && peer.Stats != nil {
		s.sampler = newSampler(own.Stats, peer.Stats)
		s.sample(0)
		r.recorder = &recorder{stats: own.Stats, stamps: &peer.Stats.Stamps}
	}
	return s, r, nil
}

// Close closes both directions. The peer gets every message sent before.
func (c *Conn) Close() {
	c.Sender.Close()
	c.Receiver.Close()
}
