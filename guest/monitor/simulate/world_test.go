package simulate

import (
	"slices"
	"testing"

	"barreleye/guest/monitor/membership"
)

// counter sends numbers to its neighbour, which checks their order.
type counter struct {
	w      *World[uint64]
	sent   []uint64
	heard  []uint64
	lives  []int
	worked []int
	log    []int
	ended  bool
}

func (c *counter) Boot(core int, v membership.View) {
	c.sent[core], c.heard[core] = 0, 0
	c.worked[core] = 0
	c.lives[core]++
	c.w.Settled(core, v.Epoch)
}

func (c *counter) Deliver(core, from int, n uint64) {
	c.log = append(c.log, core, from, int(n))
	if from == (core+1)%len(c.sent) { // its neighbour's neighbour; see Work
		c.w.Fail("core %d hears core %d", core, from)
	}
	if n <= c.heard[core] && n != 1 {
		c.w.Fail("core %d hears %d after %d", core, n, c.heard[core])
	}
	c.heard[core] = n
}

func (c *counter) View(core int, v membership.View) { c.w.Settled(core, v.Epoch) }
func (c *counter) Died(core int)                    { c.log = append(c.log, -1, core) }

func (c *counter) End() { c.ended = true }

func (c *counter) Work(core int) bool {
	for range 3 {
		if c.w.Dies(core) {
			return false
		}
		c.sent[core]++
		c.w.Send(core, (core+1)%len(c.sent), c.sent[core])
	}
	c.worked[core]++
	return c.worked[core] < 4
}

func runCounter(n, deaths int, c *Choices) (*counter, error) {
	p := &counter{sent: make([]uint64, n), heard: make([]uint64, n), lives: make([]int, n), worked: make([]int, n)}
	p.w = New(Trial{Cores: n, Deaths: deaths, Returns: true, Choices: c}, p)
	return p, p.w.Run()
}

// TestWorld: order is kept in every channel, everybody who died is back at the end,
// and the same choices make the same run.
func TestWorld(t *testing.T) {
	for seed := range uint64(2000) {
		n, deaths := 3+int(seed%5), int(seed%4)
		kept := Seeded(seed, true)
		p, err := runCounter(n, deaths, kept)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		lives := 0
		for i := range n {
			lives += p.lives[i]
			if !p.w.Alive(i) {
				t.Fatalf("seed %d: core %d did not return", seed, i)
			}
		}
		if v := p.w.View(); !p.ended || lives != n+deaths-p.w.Deaths || v.Members.Len() != n {
			t.Fatalf("seed %d: %d lives of %d cores, view %v, ended %v", seed, lives, n, v.Members.Len(), p.ended)
		}
		again, err := runCounter(n, deaths, Given(kept.Record()))
		if err != nil || !slices.Equal(again.log, p.log) {
			t.Fatalf("seed %d: another run: %v", seed, err)
		}
	}
}

func TestNoEnd(t *testing.T) {
	p := &counter{sent: make([]uint64, 3), heard: make([]uint64, 3), lives: make([]int, 3), worked: make([]int, 3)}
	p.w = New(Trial{Cores: 3, Choices: Seeded(1, false)}, p)
	p.w.limit = 10
	if err := p.w.Run(); err == nil || p.ended {
		t.Errorf("%v, and its end was checked: %v", err, p.ended)
	}
}

// TestShrink finds the shortest list that fails, of a run that fails once three
// choices above 5 were made.
func TestShrink(t *testing.T) {
	fails := func(c *Choices) bool {
		large := 0
		for range 40 {
			if c.N(10) > 5 {
				large++
			}
		}
		return large >= 3
	}
	c := Seeded(1, true)
	if !fails(c) {
		t.Fatal("seed 1 does not fail")
	}
	if list := Shrink(c.Record(), 10_000, fails); len(list) > 3 || !fails(Given(list)) {
		t.Errorf("shrunk to %v", list)
	}
	if list := Shrink(c.Record(), 0, fails); len(list) != 40 {
		t.Errorf("%d choices left without a try", len(list))
	}
}
