package agreement

import (
	"cmp"
	"encoding/binary"
	"flag"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/simulate"
	"barreleye/urpc"
)

var (
	seedFlag  = flag.Uint64("agreement.seed", 0, "run the simulation of this seed only, and shrink it if it fails")
	seedsFlag = flag.Uint64("agreement.seeds", seedsByDefault, "simulations to run")
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

// message is what crosses a channel: a line, or a snapshot.
type message struct {
	line     *urpc.Message
	snapshot *Snapshot
}

// trial is one run.
type trial struct {
	world *simulate.World[message]
	cores []node
	next  uint64 // number of the next operation

	ops     map[uint64]*begun
	winners map[[2]uint64]uint64 // operation that took a register's version

	mutation mutation
	log      io.Writer // transcript, nil for none
}

type node struct {
	machine *Machine
	store   *store
	records [Window]Record
	readers map[int]*Reader // by sender; of one view of who lives
	life    int
	left    int // operations to begin
	waits   int // results awaited
}

// begun is an operation that was begun.
type begun struct {
	op    words
	by    [2]int // core and its life
	to    cores.Set
	lives []int // of all cores
	two   bool
	ended Outcome
}

func (t *trial) winner(core int, op words) {
	at := [2]uint64{op[2], op[3]}
	if n, ok := t.winners[at]; ok && n != op[1] {
		t.world.Fail("core %d: register %d, version %d: operations %d and %d both took it", core, op[2], op[3], n, op[1])
	}
	t.winners[at] = op[1]
}

// Boot implements simulate.Program.
func (t *trial) Boot(core int, view membership.View) {
	n := &t.cores[core]
	s := &store{t: t, core: core, applied: map[uint64]bool{}, effected: map[uint64]bool{}}
	*n = node{store: s, machine: New(core, s, view), readers: map[int]*Reader{}, life: n.life + 1, left: 1 + t.world.Choices.N(6)}
	if len(t.cores) > 100 && core%100 != 0 {
		n.left = 0 // an operation costs thousands of messages
	}
	if view.Joining == core && view.Sponsor() == membership.Nobody {
		t.begin()
	}
	t.note("core %d starts in view %s", core, describe(&view))
	t.do(core, n.machine.Start(nil))
}

// begin forgets what a lost state held.
func (t *trial) begin() {
	t.winners, t.ops = map[[2]uint64]uint64{}, map[uint64]*begun{}
}

// Deliver implements simulate.Program.
func (t *trial) Deliver(core, from int, m message) {
	if m.snapshot != nil {
		t.note("core %d gets the snapshot of core %d", core, from)
		t.do(core, t.cores[core].machine.Step(&Event{Kind: EventSnapshot, From: from, Snapshot: *m.snapshot}, nil))
		return
	}
	n := &t.cores[core]
	r := n.readers[from]
	if r == nil {
		r = &Reader{}
		n.readers[from] = r
	}
	msg, whole, err := r.Take(m.line)
	if err != nil {
		t.world.Fail("core %d of core %d: %v", core, from, err)
	}
	if !whole {
		return
	}
	t.note("core %d gets %s of core %d", core, msg.describe(), from)
	t.do(core, n.machine.Step(&Event{Kind: EventMessage, From: from, Message: msg}, nil))
}

// View implements simulate.Program.
func (t *trial) View(core int, view membership.View) {
	t.note("core %d sees view %s", core, describe(&view))
	for from := range t.cores[core].readers {
		if !view.Members.Has(from) {
			delete(t.cores[core].readers, from) // its channel ends in the middle of what it sent
		}
	}
	if view.Joining == core && view.Sponsor() == membership.Nobody && !t.cores[core].machine.holder && t.cores[core].machine.snapshot == nil {
		t.begin()
	}
	t.do(core, t.cores[core].machine.Step(&Event{Kind: EventView, View: view,
		Records: func(dead int) [Window]Record {
			if t.mutation == recordsUnread {
				return [Window]Record{}
			}
			return t.cores[dead].records
		}}, nil))
}

// Died implements simulate.Program.
func (t *trial) Died(core int) { t.note("core %d dies", core) }

// Work implements simulate.Program: it begins an operation.
func (t *trial) Work(core int) bool {
	n, c := &t.cores[core], t.world.Choices
	if n.left == 0 {
		return false
	}
	t.next++
	key := c.N(keys)
	op := words{uint64(opSwap + c.N(5)), t.next, uint64(key)}
	b := &begun{by: [2]int{core, n.life}, to: n.machine.view.Members, two: op[0] != opAdd && op[0] != opCount}
	switch op[0] {
	case opSwap:
		op[3], op[4] = n.store.registers[key].version, t.next
	case opAdd:
		op[4] = 1 + uint64(c.N(9))
	case opHold:
		op[4] = uint64(core) + 1
	case opTake, opCount:
		for i := range b.to.All() {
			if c.N(2) == 0 {
				b.to.Remove(i)
			}
		}
		if n.store.holder[key] == 0 {
			op[4] = t.next
		}
	}
	b.op = op
	for i := range t.cores {
		b.lives = append(b.lives, t.cores[i].life)
	}
	t.ops[t.next] = b
	n.left--
	n.waits++
	t.note("core %d begins %v", core, op)
	t.do(core, n.machine.Step(&Event{Kind: EventStart, Op: op.op(), All: op[0] != opTake && op[0] != opCount, To: b.to, TwoPhases: b.two, Tag: t.next}, nil))
	return true
}

// do does what a machine says, until the core dies.
func (t *trial) do(core int, list []Action) {
	n := &t.cores[core]
	if t.mutation == recordLate {
		slices.SortStableFunc(list, func(a, b Action) int { return cmp.Compare(b2i(a.Kind == ActRecord), b2i(b.Kind == ActRecord)) })
	}
	for _, a := range list {
		if t.world.Dies(core) {
			return
		}
		t.note("  %s", a.describe())
		switch a.Kind {
		case ActSend:
			for _, l := range a.Message.AppendLines(nil) {
				t.world.Send(core, a.To, message{line: &l})
			}
		case ActSnapshot:
			if t.mutation == snapshotBare {
				a.Snapshot.Parts = nil
			}
			t.world.Send(core, a.To, message{snapshot: &a.Snapshot})
		case ActRecord:
			if t.mutation != recordNever {
				n.records[a.Slot] = a.Record
			}
		case ActResult:
			n.waits--
			if b := t.ops[a.Tag]; a.Outcome == Busy {
				delete(t.ops, a.Tag)
				n.left++
			} else if b != nil {
				b.ended = a.Outcome
				t.check(a.Tag, b)
			}
		case ActSettled:
			t.world.Settled(core, a.Epoch)
		}
	}
	for _, op := range n.store.won {
		t.winner(core, op)
	}
	n.store.won = nil
}

// took reports whether an operation has taken effect at a core.
func (t *trial) took(core int, number uint64, b *begun) bool {
	s := t.cores[core].store
	switch b.op[0] {
	case opSwap:
		return s.registers[b.op[2]].version > b.op[3]
	case opAdd:
		return s.applied[number]
	case opHold:
		return s.holds[b.op[2]] == b.op[4]
	}
	return s.effected[number]
}

// check looks whether an operation that has ended took effect everywhere, or nowhere.
func (t *trial) check(number uint64, b *begun) {
	for i := range t.cores {
		if !t.world.Alive(i) || t.cores[i].life != b.lives[i] || !b.to.Has(i) && i != b.by[0] || !t.cores[i].machine.holder {
			continue // who has no state yet keeps what took effect
		}
		switch took := t.took(i, number, b); {
		case b.ended == Committed && !took:
			t.world.Fail("operation %d %v was committed, core %d has it not", number, b.op, i)
		case b.ended == Refused && took && b.op[0] == opSwap && t.winners[[2]uint64{b.op[2], b.op[3]}] == number:
			t.world.Fail("operation %d %v was refused, core %d has it", number, b.op, i)
		}
	}
}

// end checks what must hold once nothing moves.
func (t *trial) end() {
	first := -1
	for i := range t.cores {
		n := &t.cores[i]
		if !t.world.Alive(i) {
			continue
		}
		if n.waits != 0 || n.left != 0 || !n.machine.holder {
			t.world.Fail("core %d: %d results are missing, %d operations not begun, holder %v", i, n.waits, n.left, n.machine.holder)
		}
		if n.store.locked != [3][keys]uint64{} {
			t.world.Fail("core %d: still prepared: %v", i, n.store.locked)
		}
		if n.records != [Window]Record{} {
			t.world.Fail("core %d: still recorded: %v", i, n.records)
		}
		if first < 0 {
			first = i
			continue
		}
		a, b := n.store, t.cores[first].store
		if a.registers != b.registers || a.counters != b.counters || a.holds != b.holds || !maps.Equal(a.applied, b.applied) {
			t.world.Fail("cores %d and %d differ:\n%v %v %v\n%v %v %v", first, i, b.registers, b.counters, b.holds, a.registers, a.counters, a.holds)
		}
	}
	for number, b := range t.ops {
		var with, without []int
		for i := range t.cores {
			if !t.world.Alive(i) || t.cores[i].life != b.lives[i] || !b.to.Has(i) && i != b.by[0] || b.op[0] == opSwap || b.op[0] == opHold {
				continue
			}
			if t.took(i, number, b) {
				with = append(with, i)
			} else {
				without = append(without, i)
			}
		}
		if len(with) > 0 && len(without) > 0 || len(without) > 0 && b.ended == Committed || len(with) > 0 && b.ended == Refused {
			t.world.Fail("operation %d %v of core %d ended %d: took effect at %v and not at %v", number, b.op, b.by[0], b.ended, with, without)
		}
	}
}

// trialOf makes a simulation of n cores.
func trialOf(n, deaths int, returns bool, c *simulate.Choices) *trial {
	t := &trial{cores: make([]node, n), ops: map[uint64]*begun{}, winners: map[[2]uint64]uint64{}}
	t.world = simulate.New[message](n, c, t)
	t.world.Deaths, t.world.Returns = deaths, returns
	return t
}

func (t *trial) run() error {
	if err := t.world.Run(200_000 + 20_000*len(t.cores)); err != nil {
		return err
	}
	t.end()
	return t.world.Fault()
}

// ofSeed makes a seed's simulation.
func ofSeed(seed uint64, c *simulate.Choices) *trial {
	n := 2 + int(seed%7)
	if seed%50 == 0 {
		n = 9 + int(seed/50%56)
	}
	return trialOf(n, int(seed/7%5), seed%2 == 0, c)
}

func TestSimulation(t *testing.T) {
	first, last := uint64(1), *seedsFlag
	if testing.Short() {
		last = min(last, 500)
	}
	if *seedFlag != 0 {
		first, last = *seedFlag, *seedFlag
	}
	for seed := first; seed <= last; seed++ {
		err := ofSeed(seed, simulate.Seeded(seed, false)).run()
		if err == nil {
			continue
		}
		explain(t, seed)
		t.Fatalf("seed %d: %v; again: go test ./guest/monitor/agreement -run TestSimulation -agreement.seed %d", seed, err, seed)
	}
}

// explain prints the transcript of a failure's shortest form that is found.
func explain(t *testing.T, seed uint64) {
	c := simulate.Seeded(seed, true)
	ofSeed(seed, c).run()
	list := simulate.Shrink(c.Record(), 2000, func(c *simulate.Choices) bool { return ofSeed(seed, c).run() != nil })
	short := ofSeed(seed, simulate.Given(list))
	var text strings.Builder
	short.log = &text
	t.Logf("%d choices: %v\n%s", len(list), short.run(), &text)
}

// TestLargest runs 1,024 cores.
func TestLargest(t *testing.T) {
	if testing.Short() {
		t.Skip("a second's work")
	}
	if err := trialOf(cores.Max, 3, true, simulate.Seeded(1, false)).run(); err != nil {
		t.Fatal(err)
	}
}
