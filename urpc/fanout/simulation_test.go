package fanout

import (
	"flag"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"barreleye/urpc"
)

var (
	seedFlag = flag.Uint64("fanout.seed", 0, "run the simulation of this seed only")
	seeds    = flag.Uint64("fanout.seeds", 12000, "simulations to run")
)

// world is a simulated multikernel: machines, channels that keep their order, and
// deaths at any step. One seed replays a run.
type world struct {
	rng      *rand.Rand
	tree     *Tree
	cores    []*simulated
	links    []*link // of pairs that ever listened to each other
	between  map[[2]int]*link
	deaths   int // still to come
	total    uint64
	started  uint64
	results  []Action
	liar     int  // core that garbles what it sends, or nobody
	violated bool // somebody was found out
	fault    error
}

type simulated struct {
	machine  *Machine
	dead     bool
	ended    bool
	answers  []Event
	answered map[uint64]bool
}

// link is one direction of a channel.
type link struct {
	from, to int
	queue    []Packet
	told     bool // of from's death
}

// contribution is core's part of an operation: its bit and a one to count.
func contribution(core int, op uint64) (m urpc.Message) {
	m.Words[core/64] = 1 << (core % 64)
	m.Words[4], m.Words[5] = 1, op
	return m
}

func union(sum, answer *urpc.Message) {
	for i := range 4 {
		sum.Words[i] |= answer.Words[i]
	}
	sum.Words[4] += answer.Words[4]
	sum.Words[5] = max(sum.Words[5], answer.Words[5])
}

func request(op uint64) (m urpc.Message) {
	m.Words[0], m.Len, m.Type = op*31+7, 8, 9
	return m
}

// randomTree makes a tree of n cores with random shape and numbers.
func randomTree(rng *rand.Rand, n int) *Tree {
	fan := 1 + rng.IntN(6)
	cores := rng.Perm(n)
	children := make([][]int, n)
	for i := 1; i < n; i++ {
		p := cores[rng.IntN(i)]
		for len(children[p]) == fan {
			p = cores[rng.IntN(i)]
		}
		children[p] = append(children[p], cores[i])
	}
	t, err := NewTree(cores[0], children, fan)
	if err != nil {
		panic(err)
	}
	return t
}

func newWorld(seed uint64, n int) *world {
	rng := rand.New(rand.NewPCG(seed, 1))
	w := &world{rng: rng, tree: randomTree(rng, n), between: map[[2]int]*link{}, liar: nobody, total: 1 + rng.Uint64N(2*Window)}
	for i := range n {
		m, err := NewMachine(w.tree, i, union)
		if err != nil {
			panic(err)
		}
		w.cores = append(w.cores, &simulated{machine: m, answered: map[uint64]bool{}})
	}
	for i := range n {
		for _, p := range w.cores[i].machine.Peers(nil) {
			w.link(p, i)
		}
	}
	return w
}

func (w *world) link(from, to int) *link {
	l := w.between[[2]int{from, to}]
	if l == nil {
		l = &link{from: from, to: to}
		w.between[[2]int{from, to}] = l
		w.links = append(w.links, l)
	}
	return l
}

func (w *world) fail(format string, args ...any) {
	if w.fault == nil {
		w.fault = fmt.Errorf(format, args...)
	}
}

// step lets core take an event, and does what it says. The core may die in the
// middle.
func (w *world) step(core int, e Event) {
	c := w.cores[core]
	for _, a := range c.machine.Step(&e, nil) {
		if w.deaths > 0 && w.rng.IntN(200) == 0 {
			w.kill(core)
			return
		}
		switch a.Kind {
		case ActSend:
			p := a.Packet
			if core == w.liar {
				w.garble(&p)
			}
			line := p.encode() // as it would cross
			var read Packet
			if err := read.decode(&line); err == nil {
				l := w.link(core, a.To)
				l.queue = append(l.queue, read)
			} else if core != w.liar {
				w.fail("core %d sends %+v: %v", core, p, err)
			}
		case ActAnswer:
			if want := request(a.Op); w.liar == nobody && a.Message != want {
				w.fail("core %d: request of operation %d is %v", core, a.Op, a.Message)
			}
			if c.answered[a.Op] && w.liar == nobody {
				w.fail("core %d takes part in operation %d twice", core, a.Op)
			}
			c.answered[a.Op] = true
			c.answers = append(c.answers, Event{Kind: EventAnswer, Op: a.Op, Message: contribution(core, a.Op)})
		case ActResult:
			w.results = append(w.results, a)
		case ActListen:
			w.link(a.To, core)
		case ActIgnore:
			w.violated = true
			if w.liar == nobody {
				w.fail("core %d ignores core %d: %v", core, a.To, a.Err)
			}
		case ActEnd:
			c.ended = true
		}
	}
}

func (w *world) garble(p *Packet) {
	switch w.rng.IntN(12) {
	case 0:
		p.Kind = Kind(w.rng.IntN(int(KindEnd))) // to end those below it is up to it
	case 1:
		p.Op = uint64(w.rng.IntN(30))
	case 2:
		*p = lostPacket(p.Op, []int{w.rng.IntN(len(w.cores)), w.rng.IntN(1 << 16)})
	case 3:
		p.Message.Words[w.rng.IntN(6)] = w.rng.Uint64()
	case 4:
		p.Op = w.rng.Uint64()
	}
}

func (w *world) kill(core int) {
	w.cores[core].dead = true
	w.deaths--
}

// enabled reports whether something may happen on the link.
func (w *world) enabled(l *link) bool {
	to := w.cores[l.to]
	return !to.dead && !to.ended && (len(l.queue) > 0 || w.cores[l.from].dead && !l.told) && w.listens(l)
}

func (w *world) listens(l *link) bool {
	m := w.cores[l.to].machine
	if l.from == m.parent {
		return true
	}
	for _, c := range m.children {
		if c == l.from {
			return true
		}
	}
	return false
}

func (w *world) happen(l *link) {
	if len(l.queue) > 0 {
		p := l.queue[0]
		l.queue = l.queue[1:]
		w.step(l.to, Event{Kind: EventPacket, From: l.from, Packet: p})
		return
	}
	l.told = true
	w.step(l.to, Event{Kind: EventGone, From: l.from})
}

// once does one thing that may happen, if there is any.
func (w *world) once() bool {
	root := w.cores[w.tree.root]
	if w.deaths > 0 && w.rng.IntN(40) == 0 {
		victim := w.rng.IntN(len(w.cores))
		if !w.cores[victim].dead && (victim != w.tree.root || w.rng.IntN(20) == 0) {
			w.kill(victim)
		}
	}
	for tries := 0; ; tries++ {
		switch k := w.rng.IntN(8); {
		case k == 0 && !root.dead && w.started < w.total && w.started < uint64(len(w.results))+Window:
			w.started++
			w.step(w.tree.root, Event{Kind: EventStart, Message: request(w.started - 1)})
			return true
		case k < 3:
			c := w.rng.IntN(len(w.cores))
			if s := w.cores[c]; !s.dead && len(s.answers) > 0 {
				i := w.rng.IntN(len(s.answers)) // in any order
				e := s.answers[i]
				s.answers = append(s.answers[:i], s.answers[i+1:]...)
				w.step(c, e)
				return true
			}
		default:
			if l := w.links[w.rng.IntN(len(w.links))]; w.enabled(l) {
				w.happen(l)
				return true
			}
		}
		if tries < 4*len(w.links) {
			continue
		}
		// luck has failed: look whether anything is left
		left := !root.dead && w.started < w.total && w.started < uint64(len(w.results))+Window
		for _, s := range w.cores {
			left = left || !s.dead && len(s.answers) > 0
		}
		for _, l := range w.links {
			left = left || w.enabled(l)
		}
		if !left {
			return false
		}
		tries = 0
	}
}

func (w *world) run() {
	for n := 0; w.fault == nil && w.once(); n++ {
		if n > 2_000_000 {
			w.fail("no end after %d steps", n)
		}
	}
}

// check judges what the root got.
func (w *world) check() {
	if w.cores[w.tree.root].dead {
		for i, c := range w.cores {
			// who climbs to a core that has ended ends with that core
			p := i
			for p != nobody && !w.cores[p].dead && !w.cores[p].ended {
				p = w.cores[p].machine.parent
			}
			if !c.dead && (p == nobody || w.cores[p].dead) {
				w.fail("core %d waits on, without a root", i)
			}
		}
		return
	}
	if uint64(len(w.results)) != w.total {
		w.fail("%d of %d operations ended", len(w.results), w.total)
	}
	named := map[int]bool{}
	for n, r := range w.results {
		if r.Op != uint64(n) {
			w.fail("result %d is of operation %d", n, r.Op)
		}
		for _, c := range r.Lost {
			if named[c] {
				w.fail("core %d is named twice", c)
			}
			named[c] = true
			if w.liar == nobody && !w.cores[c].dead {
				w.fail("operation %d: living core %d is named as lost", n, c)
			}
			if w.liar != nobody && !w.cores[c].dead && c != w.liar && !w.tree.below(c, w.liar) {
				w.fail("operation %d: core %d is named for core %d's lies", n, c, w.liar)
			}
		}
		count := uint64(0)
		for i := range 4 {
			count += uint64(bits.OnesCount64(r.Message.Words[i]))
		}
		if w.liar == nobody && count != r.Message.Words[4] {
			w.fail("operation %d: %d parts of %d cores", n, r.Message.Words[4], count)
		}
		for _, c := range w.tree.members {
			part := r.Message.Words[c/64]>>(c%64)&1 != 0
			lied := c == w.liar || w.liar != nobody && w.tree.below(c, w.liar)
			if !part && !named[c] && !lied {
				w.fail("operation %d: core %d has no part and was not named", n, c)
			}
			if part && w.liar == nobody && !w.cores[c].answered[uint64(n)] {
				w.fail("operation %d: part of core %d, which it never gave", n, c)
			}
		}
	}
}

// sizeOf is how many cores the world of a seed has: mostly few.
func sizeOf(seed uint64) int {
	rng := rand.New(rand.NewPCG(seed, 2))
	switch {
	case seed%500 == 0:
		return 256
	case seed%20 == 0:
		return 2 + rng.IntN(63)
	}
	return 2 + rng.IntN(10)
}

func eachSeed(t *testing.T, run func(seed uint64) error) (runs int) {
	first, last := uint64(0), *seeds
	if testing.Short() || underRace {
		last /= 10
	}
	if *seedFlag != 0 {
		first, last = *seedFlag, *seedFlag+1
	}
	for seed := first; seed < last; seed++ {
		if err := run(seed); err != nil {
			t.Fatalf("%v; repeat with -fanout.seed=%d", err, seed)
		}
	}
	return int(last - first)
}

// TestSimulation: in random trees, with random delays and deaths at any step, every
// operation ends; every member has its part in it exactly once, or was named by
// it or an earlier one; only the dead are named.
func TestSimulation(t *testing.T) {
	deaths, lost := 0, 0
	runs := eachSeed(t, func(seed uint64) error {
		n := sizeOf(seed)
		w := newWorld(seed, n)
		w.deaths = w.rng.IntN(n/2 + 1)
		if seed%4 == 0 {
			w.deaths = 0
		}
		w.run()
		w.check()
		for _, c := range w.cores {
			if c.dead {
				deaths++
			}
		}
		for _, r := range w.results {
			lost += len(r.Lost)
		}
		return w.fault
	})
	if *seedFlag == 0 && (deaths < runs/4 || lost < deaths/4) {
		t.Errorf("%d deaths, %d cores named: the test kills too few", deaths, lost)
	}
}

// TestSimulationWithLiar: one member garbles what it sends, and dies in the end.
// Every operation ends, and nobody but those below it is lost.
func TestSimulationWithLiar(t *testing.T) {
	found := 0
	runs := eachSeed(t, func(seed uint64) error {
		w := newWorld(seed, min(sizeOf(seed), 64))
		w.liar = w.tree.members[w.rng.IntN(len(w.tree.members))]
		w.run()
		w.kill(w.liar)
		w.run()
		w.check()
		if w.violated {
			found++
		}
		return w.fault
	})
	if *seedFlag == 0 && found < runs/50 {
		t.Errorf("lies found in %d runs only", found)
	}
}
