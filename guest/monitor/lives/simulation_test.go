package lives

import (
	"fmt"
	"testing"

	"barreleye/devices/region"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/seeds"
)

// world is a VMM and cores that carry out their machines' actions a step at a time, in
// any order, and die at any of them.
type world struct {
	simulate.Trial
	words         []uint64 // VMMBlock.Life, by core
	began, buried []uint64 // VMMBlock.Began and Buried
	epoch         uint64
	cores         []*simCore // nil: none runs

	// memory[i][j] is what core i writes for core j: 0, or the lives of the pair that
	// wrote there.
	memory   [][][2]uint64
	settled  [][]uint64 // by core, of another one
	returned int

	mutation mutation
}

// mutation is a way to do what the machines and the VMM's rule say wrongly.
type mutation uint8

const (
	correct   mutation = iota
	settleNow          // a life is settled while calls on its ends are under way
	wipeNot            // what a core wrote for a life is not zeroed when it settles that
	beginNow           // a life begins before all have settled the one before
)

type simCore struct {
	life    uint64
	m       *Machine
	ends    []uint64 // life of the peer to which there are ends
	opened  []uint64 // the last one to which there were
	closed  []uint64 // the life of those that were closed last
	inside  []int    // calls under way on them, by peer
	pending []*Action
}

func newWorld(s simulate.Trial, wrong mutation) *world {
	n := s.Cores
	w := &world{Trial: s, mutation: wrong, words: make([]uint64, n), began: make([]uint64, n), buried: make([]uint64, n), cores: make([]*simCore, n)}
	for range n {
		w.memory = append(w.memory, make([][2]uint64, n))
		w.settled = append(w.settled, make([]uint64, n))
	}
	for i := range n {
		if i == 0 || w.Choices.N(4) < 3 { // others are added later
			w.begin(i)
		}
	}
	return w
}

// begin is the VMM's start of a core's next life. What the core writes is zero.
func (w *world) begin(i int) {
	life, _ := region.SplitLife(w.words[i])
	n := len(w.cores)
	for j := range n {
		w.memory[i][j], w.settled[i][j] = [2]uint64{}, 0
	}
	w.began[i] = w.epoch
	w.epoch++
	w.words[i] = region.LifeWord(life+1, region.OverNot)
	w.cores[i] = &simCore{life: life + 1, m: New(n), ends: make([]uint64, n), opened: make([]uint64, n), closed: make([]uint64, n), inside: make([]int, n), pending: make([]*Action, n)}
	w.Note("life %d of core %d begins", life+1, i)
}

// mayBegin is the VMM's rule. Whether a core lives is what its word says: one that was
// fenced and is not buried yet has written what the new life must not find.
func (w *world) mayBegin(i int) bool {
	life, over := region.SplitLife(w.words[i])
	if life != 0 && over != region.OverBuried {
		return false
	}
	if w.mutation == beginNow {
		return true
	}
	for j := range w.cores {
		l, over := region.SplitLife(w.words[j])
		if j != i && l != 0 && over == region.OverNot && w.settled[j][i] < life {
			return false
		}
	}
	return true
}

// step does one thing that may happen to core i. It reports what went wrong.
func (w *world) step(i int) error {
	c := w.cores[i]
	life, over := region.SplitLife(w.words[i])
	switch {
	case c == nil && life != 0 && over == region.OverNot: // fenced; now buried in two steps
		w.buried[i] = w.epoch
		w.words[i] = region.LifeWord(life, region.OverBurying)
	case c == nil && over == region.OverBurying:
		w.words[i] = region.LifeWord(life, region.OverBuried)
		w.epoch++
		w.Note("life %d of core %d is buried", life, i)
	case c == nil && w.mayBegin(i):
		if w.Choices.N(4) == 0 {
			w.returned++
			for j := range w.cores {
				if j != i && w.memory[j][i] != [2]uint64{} && w.memory[j][i][1] <= life && w.cores[j] != nil {
					return fmt.Errorf("core %d finds what core %d wrote in lives %v", i, j, w.memory[j][i])
				}
			}
			w.begin(i)
		}
	case c != nil && over == region.OverNot && w.Choices.One(60):
		w.cores[i] = nil // at any moment: with actions half done, and calls under way
		w.Note("life %d of core %d dies", life, i)
	case c != nil:
		if j := w.Choices.N(len(w.cores)); j != i {
			return w.live(i, c, j)
		}
	}
	return nil
}

// live is a step of a core towards one of its peers.
func (w *world) live(i int, c *simCore, j int) error {
	// the program writes through an end, or is late with a write it has begun
	if w.Choices.One(3) && (c.ends[j] != 0 || c.inside[j] > 0) {
		life, _ := region.SplitLife(w.words[j])
		peer := c.ends[j]
		if c.inside[j] > 0 {
			peer = c.closed[j]
			c.inside[j]--
		}
		if peer != life {
			return fmt.Errorf("core %d writes to life %d of core %d, which lives its life %d", i, peer, j, life)
		}
		w.memory[i][j] = [2]uint64{c.life, peer}
		return nil
	}
	if a := c.pending[j]; a != nil {
		if c.inside[j] > 0 && w.mutation != settleNow {
			c.inside[j]-- // it has not written
			return nil    // not closed yet
		}
		b := c.m.Closed(j)
		c.pending[j] = nil
		return w.perform(i, c, b)
	}
	life, over := region.SplitLife(w.words[j])
	met := over == region.OverNot || w.buried[j] > w.began[i]
	if a, ok := c.m.See(j, life, over, met); ok {
		return w.perform(i, c, a)
	}
	return nil
}

func (w *world) perform(i int, c *simCore, a Action) error {
	w.Note("core %d, life %d: %s life %d of core %d", i, c.life, kinds[a.Kind], a.Life, a.Peer)
	switch a.Kind {
	case Open:
		if c.ends[a.Peer] != 0 {
			return fmt.Errorf("core %d has ends to life %d of core %d and opens others to life %d", i, c.ends[a.Peer], a.Peer, a.Life)
		}
		if w.memory[i][a.Peer] != [2]uint64{} {
			return fmt.Errorf("core %d opens ends to life %d of core %d on what it wrote in lives %v", i, a.Life, a.Peer, w.memory[i][a.Peer])
		}
		if m := w.memory[a.Peer][i]; m != [2]uint64{} && m != [2]uint64{a.Life, c.life} {
			return fmt.Errorf("core %d, life %d, opens ends to life %d of core %d on what that wrote in lives %v", i, c.life, a.Life, a.Peer, m)
		}
		c.ends[a.Peer], c.opened[a.Peer] = a.Life, a.Life
	case Close:
		c.ends[a.Peer], c.closed[a.Peer] = 0, a.Life
		c.inside[a.Peer] = w.Choices.N(3)
		c.pending[a.Peer] = &a
	case Settle:
		if w.memory[a.Peer][i] == [2]uint64{a.Life, c.life} && c.opened[a.Peer] != a.Life {
			return fmt.Errorf("core %d settles life %d of core %d, and never saw what that wrote for it", i, a.Life, a.Peer)
		}
		if w.mutation != wipeNot {
			w.memory[i][a.Peer] = [2]uint64{}
		}
		if a.Life <= w.settled[i][a.Peer] {
			return fmt.Errorf("core %d settles life %d of core %d after %d", i, a.Life, a.Peer, w.settled[i][a.Peer])
		}
		w.settled[i][a.Peer] = a.Life
	}
	return nil
}

// calm lets everybody come to rest: nobody dies any more and all dead ones return.
func (w *world) calm() error {
	for range 100 {
		done := true
		for i := range w.cores {
			for w.cores[i] == nil && (!w.buriedYet(i) || w.mayBegin(i)) {
				if err := w.step(i); err != nil {
					return err
				}
			}
			c := w.cores[i]
			if c == nil {
				done = false
				continue
			}
			for j, d := range w.cores {
				if i == j {
					continue
				}
				if err := w.live(i, c, j); err != nil {
					return err
				}
				if now, settled := c.m.Life(j); now != c.ends[j] || settled != w.settled[i][j] {
					return fmt.Errorf("core %d has ends to life %d of core %d, settled %d: it says %d and %d", i, c.ends[j], j, w.settled[i][j], now, settled)
				}
				done = done && d != nil && c.ends[j] == d.life
			}
		}
		if done {
			return nil
		}
	}
	return fmt.Errorf("not all cores have ends to all others: %v", w.words)
}

// buriedYet reports whether a dead core is buried.
func (w *world) buriedYet(i int) bool {
	life, over := region.SplitLife(w.words[i])
	return life == 0 || over == region.OverBuried
}

var kinds = [...]string{Open: "opens ends to", Close: "closes its ends to", Settle: "has settled"}

// run runs a simulation of n cores.
func (w *world) run(steps int) error {
	for range steps {
		if err := w.step(w.Choices.N(len(w.cores))); err != nil {
			return err
		}
	}
	return w.calm()
}

// TestSimulation: whoever dies whenever, no core ever writes into a life it has no ends to, a
// life begins on zeroed memory, and in the end all that returned are connected again.
func TestSimulation(t *testing.T) {
	returned, runs := 0, 0
	seeds.Test(t, 10_000, func(s simulate.Trial) error {
		s.Size(2, 6, 500)
		steps := 1000
		if s.Cores > 6 {
			steps = 20_000
		}
		w := newWorld(s, correct)
		err := w.run(steps)
		returned, runs = returned+w.returned, runs+1
		return err
	})
	if returned < 3*runs && runs > 1 {
		t.Errorf("%d returns in %d runs: they test little", returned, runs)
	}
}

// TestLargest runs 1,024 cores.
func TestLargest(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of work")
	}
	w := newWorld(simulate.Trial{Cores: cores.Max, Choices: simulate.Seeded(1, false)}, correct)
	if err := w.run(2_000_000); err != nil {
		t.Fatal(err)
	}
	if w.returned == 0 {
		t.Error("nobody returned")
	}
}

// TestMutations: the simulation finds out each of them.
func TestMutations(t *testing.T) {
	seeds.Mutations(t, 1000, map[string]mutation{"settle now": settleNow, "wipe not": wipeNot, "begin now": beginNow}, func(m mutation) seeds.Run {
		return func(s simulate.Trial) error {
			s.Cores = 3
			return newWorld(s, m).run(1000)
		}
	})
}

// TestTranscript shows what cores do in a short run.
func TestTranscript(t *testing.T) {
	seeds.Transcripts(t, map[string]simulate.Trial{"three-cores": {Cores: 3, Choices: simulate.Seeded(1, false)}},
		func(s simulate.Trial) error { return newWorld(s, correct).run(200) })
}

// TestSteps: what the package's comment draws.
func TestSteps(t *testing.T) {
	m := New(2)
	met := false
	see := func(life, over uint64) string {
		a, ok := m.See(1, life, over, met || over == region.OverNot)
		if !ok {
			return "nothing"
		}
		return fmt.Sprint(map[Kind]string{Open: "open", Close: "close", Settle: "settle"}[a.Kind], " ", a.Life)
	}
	for _, s := range []struct {
		life, over uint64
		want       string
	}{
		{0, region.OverNot, "nothing"},     // there never was one
		{1, region.OverBurying, "nothing"}, // this core starts in the middle of that
		{1, region.OverBuried, "settle 1"},
		{1, region.OverBuried, "nothing"},
		{2, region.OverNot, "open 2"},
		{2, region.OverNot, "nothing"},
		{2, region.OverBurying, "nothing"},
		{2, region.OverBuried, "close 2"},
		{2, region.OverBuried, "nothing"}, // the ends are not closed yet
	} {
		if got := see(s.life, s.over); got != s.want {
			t.Fatalf("life %d, over %d: %s, want %s", s.life, s.over, got, s.want)
		}
	}
	if now, settled := m.Life(1); now != 0 || settled != 1 {
		t.Errorf("life %d, settled %d while closing", now, settled)
	}
	if a := m.Closed(1); a != (Action{Settle, 1, 2}) {
		t.Errorf("closed: %+v", a)
	}
	met = true
	for _, want := range []string{"open 4", "close 4"} { // it returned and died unseen
		if got := see(4, region.OverBuried); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	m.Closed(1)
	if got := see(5, region.OverNot); got != "open 5" {
		t.Error(got)
	}
}
