// Package frames maps frames into a core's address space: it joins what package vspace
// decides with what carries the core (Memory), the CPU driver in a virtual machine or Linux
// in a process. Who may map what, package guest decides by capabilities, and says when one
// goes.
package frames

import (
	"errors"
	"fmt"
	"sync"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/vspace"
)

// Memory does what is decided.
type Memory interface {
	vspace.Tables
	// Window prepares the addresses that frames are mapped at, and returns them.
	Window() (low, high uint64, err error)
	// Do does steps. why is there where mappings go. With an error that is ErrFull
	// nothing was done.
	Do(steps []vspace.Step, why Why) error
	// EntryOf returns the page-table entry at an address, 0 where there is none to see.
	EntryOf(addr uint64) uint64
}

// Errors.
var (
	// ErrFull: the core's table of mappings is full.
	ErrFull = errors.New("the core's map table is full: unmap something")
	// ErrUnmapped: the mapping is no more.
	ErrUnmapped = errors.New("not mapped any more")
)

// Reason is why a mapping goes.
type Reason uint8

// Reasons.
const (
	Unmapped Reason = iota + 1 // the program asked for it
	Deleted                    // its last capability was deleted
	Revoked                    // its capability was revoked
	Moved                      // its last capability was moved to another core
)

// Why says why a mapping goes and which core wanted it so, -1 where that is not known.
type Why struct {
	Reason Reason
	By     int
}

// Space is the address space of the core's program.
type Space struct {
	memory Memory

	mu     sync.Mutex
	book   vspace.Book
	held   map[*vspace.Mapping]*Mapping
	expect map[caps.ObjectID]Reason
}

// New returns a space in which nothing is mapped. It asks for nothing before the first Map.
func New(memory Memory) *Space {
	return &Space{memory: memory, held: map[*vspace.Mapping]*Mapping{}, expect: map[caps.ObjectID]Reason{}}
}

// Mapping is a frame that is mapped.
type Mapping struct {
	space *Space
	at    *vspace.Mapping
	of    Source
	frame caps.Extent
	gone  bool
}

// Source is by what a frame was mapped: a capability to an object.
type Source struct {
	Object caps.ObjectID
	Ref    caps.Ref
}

// space returns the one of the program's domain.
func (s *Space) program() (*vspace.Space, error) {
	v := s.book.Space(vspace.Program)
	if v == nil {
		low, high, err := s.memory.Window()
		if err != nil {
			return nil, err
		}
		v = vspace.New(low, high, s.memory)
		s.book.Add(vspace.Program, v)
	}
	return v, nil
}

// Map maps a frame, by pages of 4 KiB alone where small.
func (s *Space) Map(of Source, frame caps.Extent, write, small bool) (*Mapping, error) {
	if frame.Type != caps.Frame {
		return nil, fmt.Errorf("map %v: %w: retype it to a Frame", frame, caps.ErrType)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.program()
	if err != nil {
		return nil, fmt.Errorf("map %v: %w", frame, err)
	}
	at, plan, err := v.Map(frame.Base, frame.Size, access(true, write), small)
	if err == nil {
		err = s.do(plan, Why{})
	}
	if err != nil {
		return nil, fmt.Errorf("map %v: %w", frame, err)
	}
	m := &Mapping{space: s, at: at, of: of, frame: frame}
	s.held[at] = m
	return m, nil
}

func access(read, write bool) (prot uint8) {
	if read {
		prot = boot.Read
	}
	if write {
		prot |= boot.Read | boot.Write
	}
	return prot
}

// do has a plan done.
func (s *Space) do(plan *vspace.Plan, why Why) error {
	if err := s.memory.Do(plan.Steps, why); err != nil {
		if errors.Is(err, ErrFull) {
			plan.Undo()
		}
		return err
	}
	plan.Done()
	return nil
}

// Frame returns what is mapped.
func (m *Mapping) Frame() caps.Extent { return m.frame }

// Address returns where it is mapped.
func (m *Mapping) Address() uint64 { return m.at.Start }

// Gone reports whether it is not mapped any more.
func (m *Mapping) Gone() bool {
	m.space.mu.Lock()
	defer m.space.mu.Unlock()
	return m.gone
}

// Bytes returns the memory. Once it is not mapped any more, using it is a fault.
func (m *Mapping) Bytes() []byte { return bytesAt(m.at.Start, m.at.Size) }

// Protect changes what the program may do with size bytes from an offset on, in whole pages.
func (m *Mapping) Protect(offset, size int, read, write bool) error {
	m.space.mu.Lock()
	defer m.space.mu.Unlock()
	if m.gone {
		return fmt.Errorf("protect %v: %w", m.frame, ErrUnmapped)
	}
	v, err := m.space.program()
	if err != nil {
		return err
	}
	plan, err := v.Protect(m.at, uint64(offset), uint64(size), access(read, write))
	if err == nil {
		err = m.space.do(plan, Why{})
	}
	if err != nil {
		return fmt.Errorf("protect %v: %w", m.frame, err)
	}
	return nil
}

// Unmap takes the memory away. It fails with ErrUnmapped where it is gone already.
func (m *Mapping) Unmap() error {
	m.space.mu.Lock()
	defer m.space.mu.Unlock()
	return m.unmap(Why{Unmapped, -1})
}

func (m *Mapping) unmap(why Why) error {
	if m.gone {
		return fmt.Errorf("unmap %v: %w", m.frame, ErrUnmapped)
	}
	v, err := m.space.program()
	if err != nil {
		return err
	}
	plan, err := v.Unmap(m.at)
	if err == nil {
		err = m.space.do(plan, why)
	}
	if err != nil {
		return fmt.Errorf("unmap %v: %w", m.frame, err)
	}
	m.gone = true
	delete(m.space.held, m.at)
	return nil
}

// Forget takes away what was mapped of an object. Once it returns, nothing of the program
// can reach the frame by that.
func (s *Space) Forget(object caps.ObjectID, why Why) {
	s.mu.Lock()
	if r, ok := s.expect[object]; ok {
		why.Reason = r
	}
	s.mu.Unlock()
	s.forget(why, func(m *Mapping) bool { return m.of.Object == object })
}

// Expect says why Forget will be called for an object, if it is before the function that
// Expect returns.
func (s *Space) Expect(object caps.ObjectID, why Reason) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expect[object] = why
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.expect, object)
	}
}

// ForgetRef takes away what was mapped by one capability.
func (s *Space) ForgetRef(ref caps.Ref, why Why) {
	s.forget(why, func(m *Mapping) bool { return m.of.Ref == ref })
}

// ForgetMemory takes away what lies in some memory, whatever it was mapped by.
func (s *Space) ForgetMemory(e caps.Extent, why Why) {
	s.forget(why, func(m *Mapping) bool {
		return m.frame.Base < e.Base+e.Size && e.Base < m.frame.Base+m.frame.Size
	})
}

func (s *Space) forget(why Why, goes func(*Mapping) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.held {
		if !goes(m) {
			continue
		}
		if err := m.unmap(why); err != nil {
			panic(err) // the page tables are not what they should be: better no core than one with another's memory
		}
	}
}

// Refs returns the capabilities that anything is mapped by.
func (s *Space) Refs() (list []caps.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.held {
		list = append(list, m.of.Ref)
	}
	return list
}

// Large returns how many bytes of a mapping lie on pages of 2 MiB, by its page tables.
func (m *Mapping) Large() (n uint64) {
	const present, large = 1, 1 << 7 // SDM vol. 3, 4.5.4
	for addr := m.at.Start; addr < m.at.End(); addr += layout.PageSize {
		if e := m.space.memory.EntryOf(addr); e&(present|large) == present|large {
			n += layout.PageSize
		}
	}
	return n
}

// String says what is mapped where.
func (m *Mapping) String() string {
	return fmt.Sprintf("%v at %#x", m.frame, m.at.Start)
}
