package agreement

import (
	"encoding/binary"
	"maps"
	"slices"
)

// words are an operation of the test. Some are longer than a line.
type words [5]uint64

func (w words) op() Op {
	b := make([]byte, 0, MaxOp)
	for _, x := range w {
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	if w[1]%3 == 0 {
		b = append(b, make([]byte, w[1]%(MaxOp-39))...)
	}
	return Op(b)
}

func wordsOf(op Op) (w words) {
	for i := range w {
		w[i] = binary.LittleEndian.Uint64([]byte(op[8*i : 8*i+8]))
	}
	return w
}

// Kinds of operations, in word 0. Word 1 is the operation's number, unique in a run.
const (
	opSwap  = 1 + iota // two phases, all cores: register [2] from version [3] to value [4]
	opAdd              // one phase, all cores: add [4] to counter [2]
	opTake             // two phases, some cores: local lock [2] is taken by [4], 0 frees it
	opCount            // one phase, some cores: local counter
	opHold             // two phases, all cores: lock [2], that nobody holds, is [4]'s, the coordinator's
)

const keys = 3

type register struct{ version, value uint64 }

// store is a core's state: registers and counters that all cores hold alike, and
// locks of its own that nobody else has.
type store struct {
	t    *trial
	core int

	registers [keys]register
	counters  [keys]uint64
	holds     [keys]uint64    // core plus one that holds a lock
	applied   map[uint64]bool // numbers of opAdd

	holder   [keys]uint64
	locked   [3][keys]uint64 // operation that is prepared, of swaps, takes and holds
	effected map[uint64]bool // local operations

	won []words // swaps of this step: they count only if the core outlives it
}

func (s *store) lock(op words) *uint64 {
	switch op[0] {
	case opSwap:
		return &s.locked[0][op[2]]
	case opTake:
		return &s.locked[1][op[2]]
	}
	return &s.locked[2][op[2]]
}

func (s *store) allows(op words) bool {
	if *s.lock(op) != 0 {
		return false
	}
	switch op[0] {
	case opSwap:
		return s.registers[op[2]].version == op[3]
	case opTake:
		return (s.holder[op[2]] == 0) == (op[4] != 0)
	}
	return s.holds[op[2]] == 0
}

func (s *store) Prepare(o Op) bool {
	op := wordsOf(o)
	if !s.allows(op) {
		return false
	}
	*s.lock(op) = op[1]
	return true
}

// Late tells half of the operations.
func (s *store) Late(o Op, _ bool) bool { return wordsOf(o)[1]%2 == 0 }

func (s *store) Commit(o Op, prepared bool) {
	op, w := wordsOf(o), s.t.world
	if prepared {
		if *s.lock(op) != op[1] {
			w.Fail("core %d commits %v that it has not prepared", s.core, op)
		}
		*s.lock(op) = 0
	}
	switch op[0] {
	case opTake:
		s.holder[op[2]] = op[4]
		s.effect(op)
	case opHold:
		if h := s.holds[op[2]]; h != 0 {
			w.Fail("core %d commits %v, lock is held by core %d", s.core, op, h-1)
		}
		s.holds[op[2]] = op[4]
	case opSwap:
		r := &s.registers[op[2]]
		if r.version != op[3] {
			w.Fail("core %d commits %v, its register is %v", s.core, op, *r)
		}
		*r = register{r.version + 1, op[4]}
		s.won = append(s.won, op)
	}
}

func (s *store) Abort(o Op) {
	op := wordsOf(o)
	if *s.lock(op) != op[1] {
		s.t.world.Fail("core %d aborts %v that it has not prepared", s.core, op)
	}
	*s.lock(op) = 0
}

func (s *store) Apply(o Op) {
	op := wordsOf(o)
	if op[0] == opCount {
		s.effect(op)
		return
	}
	if s.applied[op[1]] {
		s.t.world.Fail("core %d applies %v twice", s.core, op)
	}
	s.applied[op[1]] = true
	s.counters[op[2]] += op[4]
}

func (s *store) Gone(core int) {
	for i, h := range s.holds {
		if h == uint64(core)+1 {
			s.holds[i] = 0
		}
	}
}

// effect notes a local operation.
func (s *store) effect(op words) {
	if s.effected[op[1]] {
		s.t.world.Fail("core %d: %v took effect twice", s.core, op)
	}
	s.effected[op[1]] = true
}

func (s *store) Save(b []byte) []byte {
	for _, r := range s.registers {
		b = binary.LittleEndian.AppendUint64(b, r.version)
		b = binary.LittleEndian.AppendUint64(b, r.value)
	}
	for _, c := range s.counters {
		b = binary.LittleEndian.AppendUint64(b, c)
	}
	for _, h := range s.holds {
		b = binary.LittleEndian.AppendUint64(b, h)
	}
	for _, n := range slices.Sorted(maps.Keys(s.applied)) {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

func (s *store) Load(b []byte) error {
	next := func() uint64 {
		v := binary.LittleEndian.Uint64(b)
		b = b[8:]
		return v
	}
	for i := range s.registers {
		s.registers[i] = register{next(), next()}
	}
	for i := range s.counters {
		s.counters[i] = next()
	}
	for i := range s.holds {
		s.holds[i] = next()
	}
	for len(b) > 0 {
		s.applied[next()] = true
	}
	return nil
}
