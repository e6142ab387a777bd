package requests

import (
	"encoding/binary"
	"fmt"
	"slices"

	"barreleye/urpc"
)

// Action is what a core is to do.
type Action struct {
	ID     uint64
	Kind   Kind // of a request to begin with; 0: the request is given up
	Arg    uint64
	GiveUp bool
}

// Server is the core's half.
type Server struct {
	open []*answer // requests that are not answered to the end, oldest first
	next int       // whose turn it is
	last uint64    // the id that was asked last
}

// answer is a request and what is left to send for it.
type answer struct {
	id      uint64
	ready   bool // there is something to send
	data    []byte
	parts   uint64 // sent
	outcome uint64
}

// Receive takes a line from the VMM. The error is an ErrLine.
func (s *Server) Receive(m *urpc.Message) (a Action, begin bool, err error) {
	id := m.Words[0]
	switch {
	case m.Type == typeAsk && m.Len == 24:
		if id <= s.last {
			return a, false, fmt.Errorf("request %d after request %d: %w", id, s.last, ErrLine)
		}
		s.last = id
		one := &answer{id: id}
		kind := Kind(m.Words[1])
		working := 0
		for _, o := range s.open {
			if !o.ready {
				working++
			}
		}
		switch {
		case !kind.valid():
			one.ready, one.outcome = true, unknown
		case working >= MaxOpen:
			one.ready, one.outcome = true, busy
		}
		s.open = append(s.open, one)
		return Action{ID: id, Kind: kind, Arg: m.Words[2]}, !one.ready, nil
	case m.Type == typeGiveUp && m.Len == 8 && id <= s.last:
		i := s.find(id)
		if i < 0 {
			return a, false, nil // its answer is under way
		}
		o := s.open[i]
		begin = !o.ready
		o.ready, o.data = true, nil
		return Action{ID: id, GiveUp: true}, begin, nil
	}
	return a, false, fmt.Errorf("type %d, %d bytes, request %d: %w", m.Type, m.Len, id, ErrLine)
}

func (s *Server) find(id uint64) int {
	return slices.IndexFunc(s.open, func(a *answer) bool { return a.id == id })
}

// Answer has an answer sent, or the error. It has no effect where the request was given up.
func (s *Server) Answer(id uint64, data []byte, err error) {
	i := s.find(id)
	if i < 0 || s.open[i].ready {
		return
	}
	if err == nil && len(data) > MaxAnswer {
		err = fmt.Errorf("an answer of %d MiB is larger than %d MiB", len(data)>>20, MaxAnswer>>20)
	}
	a := s.open[i]
	a.ready, a.data = true, data
	if err != nil {
		a.data, a.outcome = []byte(err.Error()), failed
	}
}

// Next returns the next line to send, and false where there is none.
func (s *Server) Next() (m urpc.Message, ok bool) {
	for range s.open {
		if s.next >= len(s.open) {
			s.next = 0
		}
		a := s.open[s.next]
		if !a.ready {
			s.next++
			continue
		}
		if len(a.data) == 0 {
			s.open = slices.Delete(s.open, s.next, s.next+1)
			return line(typeDone, a.id, a.parts, a.outcome), true
		}
		s.next++
		n := min(len(a.data), partBytes)
		var b [partBytes]byte
		copy(b[:], a.data[:n])
		a.data = a.data[n:]
		m = line(typePart, a.id|a.parts<<32)
		for i := range m.Words[1:] {
			m.Words[1+i] = binary.LittleEndian.Uint64(b[8*i:])
		}
		m.Len += uint8(n)
		a.parts++
		return m, true
	}
	return m, false
}
