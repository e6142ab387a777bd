package lifecycle

import (
	"math/rand/v2"
	"testing"
	"time"

	"barreleye/vmm/supervise"
)

// world does what a machine says, late and in any order, and knows what must never be.
type world struct {
	t        *testing.T
	m        *Machine
	rng      *rand.Rand
	building []bool
	ready    []bool // built, neither started nor discarded
	lives    []bool // a life is under way
	dying    []bool // and will end
	parked   []bool
	begun    []uint64   // the last life of each core
	holds    [][]uint64 // by peer, by dead: the life of the dead that the peer has not let go of
	gaveUp   bool
}

func (w *world) do() {
	for _, a := range w.m.Take() {
		i := a.Core
		switch a.Do {
		case Build:
			if w.building[i] || w.ready[i] || w.lives[i] || a.Life != w.begun[i]+1 {
				w.t.Fatalf("%v of core %d: building %v, ready %v, lives %v, last life %d", a, i, w.building[i], w.ready[i], w.lives[i], w.begun[i])
			}
			w.building[i] = true
		case Discard:
			if w.building[i] || !w.ready[i] {
				w.t.Fatalf("core %d: nothing to discard", i)
			}
			w.ready[i] = false
		case Start:
			if !w.ready[i] || w.lives[i] || a.Life != w.begun[i]+1 {
				w.t.Fatalf("%v of core %d: ready %v, lives %v, last life %d", a, i, w.ready[i], w.lives[i], w.begun[i])
			}
			for peer := range w.holds {
				if w.lives[peer] && w.holds[peer][i] != 0 {
					w.t.Fatalf("core %d begins life %d while core %d holds something of life %d", i, a.Life, peer, w.holds[peer][i])
				}
			}
			w.ready[i], w.lives[i], w.begun[i] = false, true, a.Life
			for dead := range w.holds[i] {
				w.holds[i][dead] = 0
			}
		case Ask, Kill:
			w.dying[i] = true
		case Park, Resume:
			if !w.lives[i] || w.parked[i] == (a.Do == Park) {
				w.t.Fatalf("%v of core %d: lives %v, parked %v", a.Do, i, w.lives[i], w.parked[i])
			}
			w.parked[i] = a.Do == Park
		case GiveUp:
			w.gaveUp = true
		}
		if a.Do == Ask && w.parked[i] { // it has to run for that
			w.t.Fatalf("core %d is asked to end while it is parked", i)
		}
	}
}

// step has one thing happen.
func (w *world) step(now time.Time) {
	i := w.rng.IntN(len(w.lives))
	switch w.rng.IntN(12) {
	case 0, 1:
		if w.building[i] {
			w.building[i] = false
			ok := w.rng.IntN(8) > 0
			w.ready[i] = ok
			w.m.Built(i, ok)
		}
	case 2:
		if w.lives[i] && (w.dying[i] || w.rng.IntN(4) == 0) && (!w.parked[i] || w.dying[i]) {
			w.lives[i], w.dying[i], w.parked[i] = false, false, false
			for peer := range w.lives {
				if w.lives[peer] {
					w.holds[peer][i] = w.begun[i]
				}
			}
			w.m.Ended(i, w.rng.IntN(2) == 0, now)
		}
	case 3, 4:
		if w.lives[i] && !w.parked[i] {
			w.holds[i][w.rng.IntN(len(w.lives))] = 0
		}
		w.m.Settle(func(peer, dead int) uint64 {
			if w.holds[peer][dead] == 0 {
				return w.begun[dead]
			}
			return w.holds[peer][dead] - 1
		})
	case 5:
		if w.lives[i] {
			w.m.Main(i)
		}
	case 6:
		w.m.Begin(i)
	case 7:
		w.m.Stop(i, w.rng.IntN(2) == 0)
	case 8:
		w.m.Restart(i, w.rng.IntN(2) == 0)
	case 9:
		w.m.Kill(i)
	case 10:
		if w.rng.IntN(2) == 0 {
			w.m.Park(i)
		} else {
			w.m.Resume(i)
		}
	case 11:
		w.m.GraceOver(i)
	}
}

// TestAnyOrder: whatever happens in whatever order, a core has one life at a time, each
// is the number after the last, none begins while a survivor holds something of the one
// before, and a run that is shut down comes to its end.
func TestAnyOrder(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 1 + rng.IntN(5)
		p := supervise.Policy{Restart: supervise.Restart(rng.IntN(3)), Strategy: supervise.Strategy(rng.IntN(3)),
			Intensity: supervise.Intensity{Restarts: rng.IntN(20), Within: time.Second}}
		tree, err := p.Tree(n)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, m: New(n, tree), rng: rng, building: make([]bool, n), ready: make([]bool, n), lives: make([]bool, n),
			dying: make([]bool, n), parked: make([]bool, n), begun: make([]uint64, n)}
		for range n {
			w.holds = append(w.holds, make([]uint64, n))
		}
		now := time.Unix(0, 0)
		for k := 0; ; k++ {
			now = now.Add(time.Duration(rng.IntN(100)) * time.Millisecond)
			w.step(now)
			w.do()
			for i := range n {
				if s := w.m.State(i); s.Lives() != w.lives[i] || s == Parked && !w.parked[i] {
					t.Fatalf("seed %d, step %d: core %d is %v, lives %v, parked %v", seed, k, i, s, w.lives[i], w.parked[i])
				}
			}
			if w.gaveUp && !w.m.Ending() {
				t.Fatalf("seed %d: given up, and not ending", seed)
			}
			if k >= 300 {
				w.m.Shutdown(k%2 == 0)
				w.do()
			}
			if w.m.Alive() == 0 && w.m.Ending() {
				break
			}
			if k > 5000 {
				t.Fatalf("seed %d: does not come to an end", seed)
			}
		}
	}
}
