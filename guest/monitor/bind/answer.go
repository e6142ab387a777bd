package bind

import (
	"fmt"
	"maps"
	"slices"

	"barreleye/devices/region"
	"barreleye/urpc"
)

// Listen has requests for a service accepted; those that wait for it are at once.
func (m *Machine) Listen(service string, profile int) ([]Action, error) {
	if err := CheckService(service); err != nil {
		return nil, err
	}
	if _, ok := m.profiles[service]; ok {
		return nil, ErrListening
	}
	m.profiles[service] = profile
	list := m.waiting[service]
	delete(m.waiting, service)
	for _, c := range list {
		m.answer(c)
	}
	return m.done(), nil
}

// Stop has all requests refused from now on, those that wait at once.
func (m *Machine) Stop() []Action {
	m.stopping = true
	for _, service := range slices.Sorted(maps.Keys(m.waiting)) {
		for _, c := range slices.Clone(m.waiting[service]) {
			m.refuse(c, ErrStopping)
		}
	}
	return m.done()
}

// Unlisten ends that. Channels that were accepted are not touched.
func (m *Machine) Unlisten(service string) { delete(m.profiles, service) }

// requested takes a request.
func (m *Machine) requested(peer int, msg *message) error {
	r := Request{Service: msg.service, Lines: msg.lines, PeerLines: msg.peerLines, Profile: msg.profile}
	if r.check() != nil || !m.geometry.Fits(msg.page, msg.lines) || msg.epoch == 0 {
		return fmt.Errorf("request for a side of %d lines at page %d, and one of %d, profile %d, epoch %d: %w",
			msg.lines, msg.page, msg.peerLines, msg.profile, msg.epoch, ErrProtocol)
	}
	p := &m.peers[peer]
	if p.theirs[msg.slot] != nil {
		return fmt.Errorf("request from place %d, which is taken: %w", msg.slot, ErrProtocol)
	}
	c := &channel{
		peer: peer, theirs: msg.slot, gen: msg.gen, service: msg.service,
		entry: region.Entry{
			Open: true, Profile: msg.profile, Epoch: msg.epoch,
			Lines: msg.peerLines, PeerLines: msg.lines, PeerPage: msg.page,
		},
	}
	if _, ok := m.profiles[c.service]; !ok && msg.wait && !m.stopping && !m.barred {
		c.state = waiting
		m.name(c)
		m.keep(c)
		m.waiting[c.service] = append(m.waiting[c.service], c)
		return nil
	}
	m.answer(c)
	return nil
}

// Requested returns for which service a line asks, "" where it asks for none.
func Requested(l *urpc.Message) string {
	var msg message
	if uint8(l.Words[0]) != kindRequest || msg.decode(l) != nil {
		return ""
	}
	return msg.service
}

// Refuse takes a line that asks for a service, as Receive does, and refuses it as one for which
// nobody listens.
func (m *Machine) Refuse(peer int, l *urpc.Message) ([]Action, error) {
	m.barred = true
	defer func() { m.barred = false }()
	return m.Receive(peer, l)
}

// keep notes a channel that the peer dialed.
func (m *Machine) keep(c *channel) {
	p := &m.peers[c.peer]
	if p.theirs == nil {
		p.theirs = map[int]*channel{}
	}
	p.theirs[c.theirs] = c
}

// answer accepts a request if it can, and refuses it otherwise.
func (m *Machine) answer(c *channel) {
	profile, listens := m.profiles[c.service]
	var err error
	switch {
	case m.stopping:
		err = ErrStopping
	case !listens || m.barred:
		err = ErrService
	case profile != c.entry.Profile:
		err = ErrProfile
	default:
		err = m.allot(c)
	}
	if err != nil {
		m.refuse(c, err)
		return
	}
	if c.id == 0 {
		m.name(c)
	}
	m.keep(c)
	c.state = open
	m.publish(c)
	m.send(c.peer, message{kind: kindAccept, slot: c.theirs, gen: c.gen, page: c.entry.Page, lines: c.entry.Lines})
	m.do(Action{Kind: ActOffered, ID: c.id, Service: c.service})
}

// refuse refuses a request that has no side of this core.
func (m *Machine) refuse(c *channel, why error) {
	m.send(c.peer, message{kind: kindRefuse, slot: c.theirs, gen: c.gen, reason: reasonOf(why)})
	m.forget(c)
}

// forget drops a channel that has no side of this core.
func (m *Machine) forget(c *channel) {
	if list := slices.DeleteFunc(m.waiting[c.service], func(w *channel) bool { return w == c }); len(list) > 0 {
		m.waiting[c.service] = list
	} else {
		delete(m.waiting, c.service)
	}
	delete(m.peers[c.peer].theirs, c.theirs)
	delete(m.channels, c.id)
}
