// Package lives is what a core does as others die and return: a pure state machine,
// without I/O, clock or goroutines. The VMM decides who lives and says so in the shared
// region (region.LifeWord); this machine follows what it says of each core.
//
//	           the word says             this core
//	away       life L, not over      ->  opens its ends to life L
//	away       life L, over, met     ->  opens them all the same: the peer may have sent
//	                                     something, and ended, before this core looked
//	away       life L, buried        ->  settles life L
//	open L     life L, buried        ->  closes them; nothing uses them any more
//	closing L  (the ends are closed) ->  zeroes what it writes for that core, and
//	away                                 says that it has settled life L
//
// Life L+1 begins only when every core that lives has settled life L, so that nothing of
// an earlier life is ever under way in a later one. A core that starts while another is
// dead has not met it: it has no ends to it, and settles that life at once.
package lives

import "barreleye/devices/region"

// Kind says what to do.
type Kind uint8

// Actions.
const (
	Open   Kind = 1 + iota // make ends to this life of the peer
	Close                  // have nothing use those ends any more; then call Closed
	Settle                 // zero what this core writes for the peer, then say so
)

// Action is something to do.
type Action struct {
	Kind Kind
	Peer int
	Life uint64
}

// Machine is one core's part. It is not for use by several goroutines.
type Machine struct {
	peers []peer
}

type peer struct {
	stage   stage
	life    uint64 // of the ends
	settled uint64
}

type stage uint8

const (
	away stage = iota
	open
	closing
)

// New makes the machine of a core among that many.
func New(cores int) *Machine { return &Machine{peers: make([]peer, cores)} }

// See takes what the VMM says of a peer now; met says that this life was there in the life
// of this core (region.View.Met). It returns at most one action, after which,
// and after Closed where that is to be called, the peer is to be looked at again.
func (m *Machine) See(peer int, life, over uint64, met bool) (a Action, ok bool) {
	p := &m.peers[peer]
	switch {
	case p.stage == away && life > p.settled && met:
		p.stage, p.life = open, life
		return Action{Open, peer, life}, true
	case p.stage == away && life > p.settled && over == region.OverBuried:
		p.settled = life
		return Action{Settle, peer, life}, true
	case p.stage == open && (life > p.life || over == region.OverBuried):
		p.stage = closing
		return Action{Close, peer, p.life}, true
	}
	return a, false
}

// Closed says that what Close asked for is done.
func (m *Machine) Closed(peer int) Action {
	p := &m.peers[peer]
	p.stage, p.settled = away, p.life
	return Action{Settle, peer, p.life}
}

// Life returns the life of a peer to which this core has ends, 0 for none, and the last
// one that it has settled.
func (m *Machine) Life(peer int) (now, settled uint64) {
	p := &m.peers[peer]
	if p.stage == open {
		now = p.life
	}
	return now, p.settled
}
