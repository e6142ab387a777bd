package agreement

import (
	"cmp"
	"maps"
	"slices"
	"testing"

	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/routes"
	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/seeds"
	"barreleye/urpc"
)

// message is a line, which is what crosses a channel.
type message = urpc.Message

// trial is one run.
type trial struct {
	world *simulate.World[message]
	cores []node
	next  uint64 // number of the next operation

	ops     map[uint64]*begun
	winners map[[2]uint64]uint64 // operation that took a register's version

	mutation mutation
}

type node struct {
	machine *Machine
	store   *store
	records [Window][RecordWords]uint64
	readers map[int]*reading // by sender; of one view of who lives
	life    int
	left    int // operations to begin
	waits   int // results awaited

	allHere  uint64          // epoch of the last view in which all were said to be
	calls    map[[2]int]bool // cores and their lives that this one has called
	calledBy map[[2]int]bool
}

// reading is what has come of one sender.
type reading struct {
	Reader
	msg       Message
	snapshots SnapshotReader
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
	*n = node{calls: map[[2]int]bool{}, calledBy: map[[2]int]bool{}, store: s, machine: New(core, s, view, t.world.Tree), readers: map[int]*reading{}, life: n.life + 1, left: 1 + t.world.Choices.N(6)}
	if len(t.cores) > 100 && core%100 != 0 {
		n.left = 0 // an operation costs thousands of messages
	}
	if view.Joining == core && view.Sponsor() == membership.Nobody {
		t.begin()
	}
	t.world.Note("core %d starts in view %s", core, describe(&view))
	t.do(core, n.machine.Start())
}

// begin forgets what a lost state held.
func (t *trial) begin() {
	t.winners, t.ops = map[[2]uint64]uint64{}, map[uint64]*begun{}
}

// Deliver implements simulate.Program.
func (t *trial) Deliver(core, from int, m message) {
	n := &t.cores[core]
	r := n.readers[from]
	if r == nil {
		r = &reading{}
		n.readers[from] = r
	}
	if m.Type == TypeSnapshot || m.Type == TypeSnapshotMore {
		s, whole, err := r.snapshots.Take(&m)
		if err != nil {
			t.world.Fail("core %d of core %d: %v", core, from, err)
		}
		if whole {
			t.world.Note("core %d gets the snapshot of core %d", core, from)
			t.do(core, n.machine.Step(&Event{Kind: EventSnapshot, From: from, Snapshot: s}))
		}
		return
	}
	whole, err := r.Take(&m, &r.msg)
	if err != nil {
		t.world.Fail("core %d of core %d: %v", core, from, err)
	}
	if !whole {
		return
	}
	msg := r.msg
	t.world.Note("core %d gets %s of core %d", core, text(msg.describe), from)
	switch today := n.machine.view.Epoch; {
	case t.mutation == takeOld && msg.Epoch < today:
		msg.Epoch = today
	case t.mutation == forgetEarly && msg.Epoch > today:
		return
	}
	t.do(core, n.machine.Hear(from, &msg))
}

// View implements simulate.Program.
func (t *trial) View(core int, view membership.View) {
	t.world.Note("core %d sees view %s", core, describe(&view))
	for from := range t.cores[core].readers {
		if !view.Members.Has(from) {
			delete(t.cores[core].readers, from) // its channel ends in the middle of what it sent
		}
	}
	if view.Joining == core && view.Sponsor() == membership.Nobody && !t.cores[core].machine.holder {
		t.begin()
	}
	list := t.cores[core].machine.Step(&Event{Kind: EventView, View: view,
		Records: func(dead int) [Window]Record {
			if t.mutation == recordsUnread {
				return [Window]Record{}
			}
			return t.cores[dead].recorded()
		}})
	if t.mutation == askOnce {
		list = slices.DeleteFunc(list, func(a Action) bool {
			return a.Kind == ActSend && a.Message.question() && a.Message.Core == core
		})
	}
	t.do(core, list)
}

// toCall chooses whom a core calls, -1 for nobody.
func (t *trial) toCall(core int) int {
	if !t.world.Tree.Direct() {
		if to := t.world.Choices.N(4 * len(t.cores)); to < len(t.cores) && to != core {
			return to
		}
	}
	return -1
}

// recorded reads the node's records.
func (n *node) recorded() (list [Window]Record) {
	for i := range list {
		list[i] = LoadRecord(&n.records[i])
	}
	return list
}

// Died implements simulate.Program.
func (t *trial) Died(core int) { t.world.Note("core %d dies", core) }

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
	if to := t.toCall(core); to >= 0 {
		if t.world.Alive(to) {
			n.calls[[2]int{to, t.cores[to].life}] = true
		}
		t.world.Note("core %d calls %d", core, to)
		t.do(core, n.machine.Step(&Event{Kind: EventCall, From: to}))
		if !t.world.Alive(core) {
			return true
		}
	}
	n.left--
	n.waits++
	t.world.Note("core %d begins %v", core, op)
	t.do(core, n.machine.Step(&Event{Kind: EventStart, Op: op.op(), All: op[0] != opTake && op[0] != opCount, To: b.to, TwoPhases: b.two, Tag: t.next}))
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
		t.world.Note("  %s", text(a.describe))
		switch a.Kind {
		case ActSend:
			if t.mutation == speakForAll && a.Message.Kind == KindVote && a.Message.Yes {
				a.Message.Set = n.machine.view.Members
			}
			for _, l := range a.Message.AppendLines(nil) {
				t.world.Send(core, a.To, l)
			}
		case ActSnapshot:
			if t.mutation == snapshotBare {
				a.Snapshot.Parts = nil
			}
			for _, l := range a.Snapshot.AppendLines(nil) {
				t.world.Send(core, a.To, l)
			}
		case ActRecord:
			if t.mutation != recordNever {
				a.Record.Store(&n.records[a.Slot])
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
		case ActAllHere:
			n.allHere = a.Epoch
			for c := range n.machine.view.Members.All() {
				if other := &t.cores[c]; a.Epoch == n.machine.view.Epoch && t.world.Alive(c) && other.machine.view.Epoch < a.Epoch {
					t.world.Fail("core %d: all are in view %d, core %d is in %d", core, a.Epoch, c, other.machine.view.Epoch)
				}
			}
		case ActCalled:
			n.calledBy[[2]int{a.To, t.cores[a.To].life}] = true
		}
	}
	n.machine.Finish()
	for i := range n.machine.own {
		if o := &n.machine.own[i]; t.mutation == refuseOnce && o.phase == refusing {
			o.phase = free
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

// End checks what must hold once nothing moves.
func (t *trial) End() {
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
		if view := t.world.View(); !t.world.Tree.Direct() && n.allHere != view.Epoch {
			t.world.Fail("core %d: all were in view %d, not in %d", i, n.allHere, view.Epoch)
		}
		for to := range n.calls {
			if c := &t.cores[to[0]]; t.world.Alive(to[0]) && c.life == to[1] && !c.calledBy[[2]int{i, n.life}] {
				t.world.Fail("core %d has called core %d, which never heard of it", i, to[0])
			}
		}
		if n.recorded() != [Window]Record{} {
			t.world.Fail("core %d: still recorded: %v", i, n.recorded())
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
	for _, number := range slices.Sorted(maps.Keys(t.ops)) {
		b := t.ops[number]
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

// newTrial makes a simulation.
func newTrial(s simulate.Trial, m mutation) *trial {
	t := &trial{cores: make([]node, s.Cores), ops: map[uint64]*begun{}, winners: map[[2]uint64]uint64{}, mutation: m}
	t.world = simulate.New(s, t)
	t.world.Suspects = m == unfenced
	return t
}

// run runs a simulation of which all is given, and ofSeed one of a size that its seed makes.
func run(s simulate.Trial) error { return newTrial(s, correct).world.Run() }

func ofSeed(m mutation) seeds.Run {
	return func(s simulate.Trial) error {
		s.Size(2, 8, 50)
		s.Deaths, s.Returns = int(s.Seed/7%5), s.Seed%2 == 0
		switch s.Seed / 2 % 3 {
		case 1:
			s.Tree = routes.Balanced(s.Cores)
		case 2:
			above := []int{-1}
			for len(above) < s.Cores {
				above = append(above, s.Choices.N(len(above)))
			}
			s.Tree, _ = routes.Of(above)
		}
		return newTrial(s, m).world.Run()
	}
}

func TestSimulation(t *testing.T) { seeds.Test(t, 10_000, ofSeed(correct)) }

// TestLargest runs 1,024 cores, each of which speaks to every other one, or in a tree.
func TestLargest(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of work")
	}
	for _, tree := range []routes.Tree{{}, routes.Balanced(cores.Max)} {
		if err := run(simulate.Trial{Cores: cores.Max, Deaths: 3, Returns: true, Tree: tree, Choices: simulate.Seeded(1, false)}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTranscripts shows what is said in a few short runs.
func TestTranscripts(t *testing.T) {
	seeds.Transcripts(t, map[string]simulate.Trial{
		"three-cores": {Cores: 3, Choices: simulate.Given(nil)},
		"death":       {Cores: 3, Deaths: 1, Choices: simulate.Seeded(4, false)},
		"return":      {Cores: 2, Deaths: 1, Returns: true, Choices: simulate.Seeded(3, false)},
		"tree":        {Cores: 5, Tree: routes.Balanced(5), Choices: simulate.Given(nil)},
		"tree-death":  {Cores: 5, Deaths: 1, Tree: routes.Balanced(5), Choices: simulate.Seeded(27865, false)},
	}, run)
}
