// Package replica makes one state of all that the monitors hold alike, so that one
// agreement.Machine keeps it: one mesh, one window of operations, one record of decisions,
// one snapshot for a core that joins. Which part an operation is about its first byte says.
package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
	"barreleye/guest/monitor/names"
)

// kind is a kind of parts: their operations begin with a byte from first to last.
type kind struct {
	first, last byte
	describe    func(agreement.Op) string
	verb        func(first byte) string
}

// kinds are those of the parts of a State, in the order in which it is saved.
var kinds = []kind{
	{0x01, 0x3f, names.Describe, names.Verb},
	{ledger.First, ledger.Last, ledger.Describe, ledger.Verb},
}

// places are those in kinds of what operations are about, by their first byte, -1 for nothing.
var places = func() (places [256]int8) {
	for b := range places {
		places[b] = int8(slices.IndexFunc(kinds, func(k kind) bool { return byte(b) >= k.first && byte(b) <= k.last }))
	}
	return places
}()

// of returns which part an operation is about, -1 for none.
func of(op agreement.Op) int {
	if op == "" {
		return -1
	}
	return int(places[op[0]])
}

// Verb says what an operation with that first byte does, "" where there is none.
func Verb(first byte) string {
	if i := places[first]; i >= 0 {
		return kinds[i].verb(first)
	}
	return ""
}

// Describe says in a few words what an operation does. Whoever wrote it may have written
// anything.
func Describe(op agreement.Op) string {
	if i := of(op); i >= 0 {
		return kinds[i].describe(op)
	}
	return fmt.Sprintf("no operation: %x", string(op))
}

// State is one core's replica of everything. It implements agreement.State.
type State struct {
	Names  *names.Registry
	Ledger *ledger.Ledger

	parts []agreement.State // as kinds
}

// New returns the replica of core self in a multikernel whose cores share the given memory,
// and in which nothing has happened yet.
func New(self int, shared caps.Extent) *State {
	s := &State{Names: names.New(), Ledger: ledger.New(self, shared)}
	s.parts = []agreement.State{s.Names, s.Ledger}
	return s
}

// Prepare implements agreement.State.
func (s *State) Prepare(op agreement.Op) bool {
	i := of(op)
	return i >= 0 && s.parts[i].Prepare(op)
}

// Commit implements agreement.State.
func (s *State) Commit(op agreement.Op, prepared bool) {
	if i := of(op); i >= 0 {
		s.parts[i].Commit(op, prepared)
	}
}

// Late implements agreement.State.
func (s *State) Late(op agreement.Op, own bool) bool {
	i := of(op)
	return i >= 0 && s.parts[i].Late(op, own)
}

// Abort implements agreement.State.
func (s *State) Abort(op agreement.Op) {
	if i := of(op); i >= 0 {
		s.parts[i].Abort(op)
	}
}

// Apply implements agreement.State.
func (s *State) Apply(op agreement.Op) {
	if i := of(op); i >= 0 {
		s.parts[i].Apply(op)
	}
}

// Gone implements agreement.State.
func (s *State) Gone(core int) {
	for _, p := range s.parts {
		p.Gone(core)
	}
}

// Save implements agreement.State: each part with its length before it.
func (s *State) Save(b []byte) []byte {
	for _, p := range s.parts {
		saved := p.Save(nil)
		b = append(binary.AppendUvarint(b, uint64(len(saved))), saved...)
	}
	return b
}

var errState = errors.New("replica: state of a sponsor: it ends in the middle, or goes on behind its end: the cores run different versions")

// Load implements agreement.State. Where it fails some parts may have been replaced: the
// next Load replaces all of them.
func (s *State) Load(b []byte) error {
	for _, p := range s.parts {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return errState
		}
		if err := p.Load(b[n:][:size]); err != nil {
			return err
		}
		b = b[n+int(size):]
	}
	if len(b) > 0 {
		return errState
	}
	return nil
}
