package lives

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"barreleye/devices/region"
)

var seeds = flag.Int("seeds", 400, "random runs")

// world is a VMM and cores that carry out their machines' actions a step at a time, in
// any order, and die at any of them.
type world struct {
	r             *rand.Rand
	words         []uint64 // VMMBlock.Life, by core
	began, buried []uint64 // VMMBlock.Began and Buried
	epoch         uint64
	cores         []*simCore // nil: none runs

	// memory[i][j] is what core i writes for core j: 0, or the lives of the pair that
	// wrote there.
	memory  [][][2]uint64
	settled [][]uint64 // by core, of another one
	returns int
	log     []string
}

type simCore struct {
	life    uint64
	m       *Machine
	ends    []uint64 // life of the peer to which there are ends
	opened  []uint64 // the last one to which there were
	inside  []int    // calls under way on ends that are closed already, by peer
	pending []*Action
}

func newWorld(n int, seed uint64) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 1)), words: make([]uint64, n), began: make([]uint64, n), buried: make([]uint64, n), cores: make([]*simCore, n)}
	for range n {
		w.memory = append(w.memory, make([][2]uint64, n))
		w.settled = append(w.settled, make([]uint64, n))
	}
	for i := range n {
		if i == 0 || w.r.IntN(4) > 0 { // others are added later
			w.begin(i)
		}
	}
	return w
}

func (w *world) say(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

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
	w.cores[i] = &simCore{life: life + 1, m: New(n), ends: make([]uint64, n), opened: make([]uint64, n), inside: make([]int, n), pending: make([]*Action, n)}
	w.say("life %d of core %d begins", life+1, i)
}

// mayBegin is the VMM's rule. Whether a core lives is what its word says: one that was
// fenced and is not buried yet has written what the new life must not find.
func (w *world) mayBegin(i int) bool {
	life, over := region.SplitLife(w.words[i])
	if life != 0 && over != region.OverBuried {
		return false
	}
	for j := range w.cores {
		l, over := region.SplitLife(w.words[j])
		if j != i && l != 0 && over == region.OverNot && w.settled[j][i] < life {
			return false
		}
	}
	return true
}

// step does one thing that may happen. It reports what went wrong.
func (w *world) step() error {
	i := w.r.IntN(len(w.cores))
	c := w.cores[i]
	life, over := region.SplitLife(w.words[i])
	switch {
	case c == nil && life != 0 && over == region.OverNot: // fenced; now buried in two steps
		w.buried[i] = w.epoch
		w.words[i] = region.LifeWord(life, region.OverBurying)
	case c == nil && over == region.OverBurying:
		w.words[i] = region.LifeWord(life, region.OverBuried)
		w.epoch++
		w.say("life %d of core %d is buried", life, i)
	case c == nil && w.mayBegin(i):
		if w.r.IntN(4) == 0 {
			w.returns++
			for j := range w.cores {
				if j != i && w.memory[j][i] != [2]uint64{} && w.memory[j][i][1] <= life && w.cores[j] != nil {
					return fmt.Errorf("core %d finds what core %d wrote in lives %v", i, j, w.memory[j][i])
				}
			}
			w.begin(i)
		}
	case c != nil && w.r.IntN(60) == 0 && over == region.OverNot:
		w.cores[i] = nil // at any moment: with actions half done, and calls under way
		w.say("life %d of core %d dies", life, i)
	case c != nil:
		return w.live(i, c)
	}
	return nil
}

// live is a step of a core towards one of its peers.
func (w *world) live(i int, c *simCore) error {
	j := w.r.IntN(len(w.cores))
	if j == i {
		return nil
	}
	// the program writes through an end, or is late with a write it has begun
	if w.r.IntN(3) == 0 && (c.ends[j] != 0 || c.inside[j] > 0) {
		life, _ := region.SplitLife(w.words[j])
		peer := c.ends[j]
		if c.inside[j] > 0 {
			peer = c.pending[j].Life
			c.inside[j]--
		}
		if peer != life {
			return fmt.Errorf("core %d writes to life %d of core %d, which lives its life %d", i, peer, j, life)
		}
		w.memory[i][j] = [2]uint64{c.life, peer}
		return nil
	}
	if a := c.pending[j]; a != nil {
		if c.inside[j] > 0 {
			return nil // not closed yet
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
	w.say("core %d: %d of life %d of core %d", i, a.Kind, a.Life, a.Peer)
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
		c.ends[a.Peer] = 0
		c.inside[a.Peer] = w.r.IntN(3)
		c.pending[a.Peer] = &a
	case Settle:
		if w.memory[a.Peer][i] == [2]uint64{a.Life, c.life} && c.opened[a.Peer] != a.Life {
			return fmt.Errorf("core %d settles life %d of core %d, and never saw what that wrote for it", i, a.Life, a.Peer)
		}
		w.memory[i][a.Peer] = [2]uint64{}
		if a.Life <= w.settled[i][a.Peer] {
			return fmt.Errorf("core %d settles life %d of core %d after %d", i, a.Life, a.Peer, w.settled[i][a.Peer])
		}
		w.settled[i][a.Peer] = a.Life
	}
	return nil
}

// calm lets everybody come to rest: nobody dies any more and all dead ones return.
func (w *world) calm() error {
	for range 400 * len(w.cores) * len(w.cores) {
		done := true
		for i, c := range w.cores {
			if c == nil {
				done = false
				continue
			}
			for j, d := range w.cores {
				done = done && (i == j || d != nil && c.ends[j] == d.life)
			}
		}
		if done {
			return nil
		}
		before := w.cores
		i := w.r.IntN(len(before))
		if c := w.cores[i]; c != nil {
			if err := w.live(i, c); err != nil {
				return err
			}
		} else if err := w.step(); err != nil {
			return err
		}
	}
	return fmt.Errorf("not all cores have ends to all others: %v", w.words)
}

// TestLives: whoever dies whenever, no core ever writes into a life it has no ends to, a
// life begins on zeroed memory, and in the end all that returned are connected again.
func TestLives(t *testing.T) {
	returns := 0
	for seed := range uint64(*seeds) {
		w := newWorld(2+int(seed%5), seed)
		var err error
		for k := 0; k < 3000 && err == nil; k++ {
			err = w.step()
		}
		if err == nil {
			err = w.calm()
		}
		if err != nil {
			t.Fatalf("seed %d: %v\n%v", seed, err, w.log[max(0, len(w.log)-30):])
		}
		returns += w.returns
	}
	if returns < 10**seeds {
		t.Errorf("%d returns in %d runs: they test little", returns, *seeds)
	}
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
