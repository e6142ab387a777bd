package bind

import (
	"fmt"
	"maps"
	"slices"

	"barreleye/devices/region"
	"barreleye/urpc"
)

// ID names a channel at its core, for as long as the core lives.
type ID uint64

// Request is what a program asks for.
type Request struct {
	Service          string // 1 to MaxService bytes
	Lines, PeerLines int    // of the ring to the peer, and of that from it
	Profile          int    // region.ProfileLatency or ProfileBulk
	Wait             bool   // until somebody listens there
}

// ActionKind says what to do.
type ActionKind uint8

// Actions.
const (
	ActZero    ActionKind = 1 + iota // fill Pages pages from Page on with zeroes, in the pool towards Peer
	ActPublish                       // write Entry into place Slot of the directory towards Peer
	ActClear                         // free that place; Entry is what it held
	ActHangUp                        // close this core's side of Entry: no end will be made on it
	ActSend                          // Line to Peer's monitor
	ActDialed                        // the dial of channel ID has ended, well if Err is nil
	ActOffered                       // channel ID is open to whoever listens for Service
)

// Action is something to do, in the order of the list.
type Action struct {
	Kind        ActionKind
	Peer        int
	Page, Pages int
	Slot        int
	Entry       region.Entry
	Line        urpc.Message
	ID          ID
	Service     string
	Err         error
}

// Machine is one core's part in the protocol. It is not for use by several goroutines.
type Machine struct {
	geometry region.Geometry
	peers    []peer
	channels map[ID]*channel
	last     ID
	profiles map[string]int        // of services that this core listens for
	waiting  map[string][]*channel // requests for those that it does not, in order
	stopping bool                  // requests are refused
	barred   bool                  // the one that is being taken is (Refuse)
	actions  []Action
}

// peer is what a machine knows of one other core.
type peer struct {
	life   uint64
	lives  uint64 // the sum of both cores' lives, for epochs
	gone   error  // ErrGone or ErrProtocol
	pool   *pool  // nil until there is a first channel
	slots  []*channel
	next   int // place in slots to look at first
	gens   []uint32
	theirs map[int]*channel // channels that the peer dialed, by its slot
}

// channel is one channel.
type channel struct {
	id      ID
	peer    int
	dialed  bool
	slot    int // of this core's directory
	theirs  int // of the dialer's
	gen     uint32
	service string
	entry   region.Entry

	state    state
	life     uint64 // the peer's
	answered bool   // dialed: the answer has come
	told     bool   // the peer touches this core's side no more
	dead     bool   // the peer's life has ended
}

type state uint8

const (
	dialing state = iota // there is no answer yet
	waiting              // nobody listens yet; it has neither slot nor side
	open
	closed // by this core, for the peer may still read its side
)

// New makes the machine of a core in a region of that geometry.
func New(geometry region.Geometry) *Machine {
	return &Machine{
		geometry: geometry, peers: make([]peer, geometry.Cores), channels: map[ID]*channel{},
		profiles: map[string]int{}, waiting: map[string][]*channel{},
	}
}

// Any reports whether is does of any channel with a peer that is open here, or about to be:
// then what the directory says of it is not all known yet.
func (m *Machine) Any(peer int, is func(e *region.Entry, open bool) bool) bool {
	for _, c := range m.channels {
		if c.peer == peer && (c.state == open || c.state == dialing) && is(&c.entry, c.state == open) {
			return true
		}
	}
	return false
}

// Channel returns the peer of an open channel, which of its lives that is, and what
// the directory says of the channel; or nothing but zeroes.
func (m *Machine) Channel(id ID) (peer int, life uint64, e region.Entry) {
	c := m.channels[id]
	if c == nil || c.state != open {
		return 0, 0, e
	}
	return c.peer, c.life, c.entry
}

// Begin says that a peer lives its life of that number now, and this core one of its
// own. What is left of the peer's earlier lives are channels that this core has not
// closed; the peer knows nothing of them.
func (m *Machine) Begin(peer int, life, own uint64) {
	p := &m.peers[peer]
	p.life, p.lives, p.gone, p.theirs = life, life+own, nil, nil
}

// do appends an action.
func (m *Machine) do(a Action) { m.actions = append(m.actions, a) }

// done returns the actions of this step.
func (m *Machine) done() []Action {
	a := m.actions
	m.actions = nil
	return a
}

func (m *Machine) send(peer int, msg message) {
	m.do(Action{Kind: ActSend, Peer: peer, Line: msg.encode()})
}

// allot gives a channel a place in the directory, and its side pages.
func (m *Machine) allot(c *channel) error {
	p := &m.peers[c.peer]
	if p.pool == nil {
		p.pool = newPool(m.geometry.PoolPages)
		p.slots, p.gens = make([]*channel, m.geometry.Entries()), make([]uint32, m.geometry.Entries())
	}
	slot := p.freeSlot()
	if slot < 0 {
		return ErrRoom
	}
	pages := region.SidePages(c.entry.Lines)
	page, dirty, ok := p.pool.take(pages)
	if !ok {
		return ErrRoom
	}
	c.slot, c.entry.Page, p.slots[slot] = slot, page, c
	if dirty > 0 {
		m.do(Action{Kind: ActZero, Peer: c.peer, Page: page, Pages: dirty})
	}
	return nil
}

func (p *peer) freeSlot() int {
	for range p.slots {
		i := p.next
		p.next = (p.next + 1) % len(p.slots)
		if p.slots[i] == nil {
			return i
		}
	}
	return -1
}

// free gives back what allot gave, and forgets the channel.
func (m *Machine) free(c *channel) {
	p := &m.peers[c.peer]
	p.pool.put(c.entry.Page, region.SidePages(c.entry.Lines))
	p.slots[c.slot] = nil
	if c.dialed {
		p.gens[c.slot]++
	} else if p.theirs[c.theirs] == c {
		delete(p.theirs, c.theirs)
	}
	delete(m.channels, c.id)
}

func (m *Machine) publish(c *channel) {
	m.do(Action{Kind: ActPublish, Peer: c.peer, Slot: c.slot, Entry: c.entry})
}

// clear frees a channel's place in the directory, where the peer's end has not yet.
func (m *Machine) clear(c *channel) {
	if c.dead {
		return
	}
	m.do(Action{Kind: ActClear, Peer: c.peer, Slot: c.slot, Entry: c.entry})
}

func (m *Machine) name(c *channel) {
	m.last++
	c.id, c.life = m.last, m.peers[c.peer].life
	m.channels[c.id] = c
}

// Gone says that a peer's life has ended: everything it sent has been received, and
// it touches nothing any more.
func (m *Machine) Gone(peer int) []Action {
	m.leave(peer, ErrGone)
	for _, c := range m.of(peer) {
		if c.state == closed {
			m.free(c)
			continue
		}
		if !c.dead {
			m.clear(c) // the peer's next life shall not be thought to have it
		}
		c.told, c.dead = true, true
	}
	return m.done()
}

// leave ends what is being opened with a peer that is not listened to any more.
func (m *Machine) leave(peer int, why error) {
	p := &m.peers[peer]
	p.gone = why
	for _, c := range m.of(peer) {
		switch c.state {
		case waiting:
			m.forget(c)
		case dialing:
			m.clear(c)
			m.do(Action{Kind: ActDialed, ID: c.id, Err: why})
			c.state = closed // Gone frees it
		}
	}
}

// of returns the channels with a peer, the oldest first.
func (m *Machine) of(peer int) (list []*channel) {
	for _, id := range slices.Sorted(maps.Keys(m.channels)) {
		if c := m.channels[id]; c.peer == peer {
			list = append(list, c)
		}
	}
	return list
}

// Receive takes a line from a peer's monitor. The error says what the peer did wrong,
// an ErrProtocol; the actions are to be done all the same.
func (m *Machine) Receive(peer int, l *urpc.Message) ([]Action, error) {
	if m.peers[peer].gone != nil {
		return nil, nil
	}
	var msg message
	err := msg.decode(l)
	if err == nil && msg.slot >= m.geometry.Entries() {
		err = fmt.Errorf("place %d of a directory of %d: %w", msg.slot, m.geometry.Entries(), ErrProtocol)
	}
	if err == nil {
		switch msg.kind {
		case kindRequest:
			err = m.requested(peer, &msg)
		case kindAccept:
			err = m.accepted(peer, &msg)
		case kindRefuse:
			err = m.refused(peer, &msg)
		case kindDone:
			err = m.finished(peer, &msg)
		}
	}
	if err != nil {
		m.leave(peer, ErrProtocol)
	}
	return m.done(), err
}
