package cost

import (
	"testing"

	"barreleye/guest/monitor/routes"
)

var model = Model{Begin: 100, Say: 10, Wire: 50, Hear: 20}

func timeOf(t *testing.T, r Run) float64 {
	t.Helper()
	ns, err := model.Time(r)
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

// TestByHand: of few cores the time can be told without a simulation.
func TestByHand(t *testing.T) {
	for _, c := range []struct {
		cores int
		two   bool
		want  float64
	}{
		{1, false, 100}, {1, true, 100},
		{2, false, 100 + 2*80}, {2, true, 100 + 4*80},
		{3, false, 100 + 10 + 10 + 50 + 20 + 10 + 50 + 20}, // said to both, and the second one's answer
		{4, false, 100 + 3*10 + 50 + 20 + 10 + 50 + 20},    // the answers wait for each other: 20 to take, 10 apart
	} {
		got := timeOf(t, Run{Cores: c.cores, TwoPhases: c.two, Operations: 1, InFlight: 1})
		if c.cores == 4 {
			c.want += 2*20 - 2*10 // three answers, 10 apart, of which each takes 20
		} else if c.cores == 3 {
			c.want += 20 - 10
		}
		if got != c.want {
			t.Errorf("%d cores, two phases %v: %v ns, want %v", c.cores, c.two, got, c.want)
		}
	}
}

// TestShapes: what must hold whatever messages cost. Of many cores a tree is faster, two
// phases take longer than one, and with several under way an operation costs less.
func TestShapes(t *testing.T) {
	for _, n := range []int{64, 256, 1024} {
		tree := routes.Balanced(n)
		direct := timeOf(t, Run{Cores: n, TwoPhases: true, Operations: 1, InFlight: 1})
		over := timeOf(t, Run{Cores: n, TwoPhases: true, Tree: tree, Operations: 1, InFlight: 1})
		one := timeOf(t, Run{Cores: n, Tree: tree, Operations: 1, InFlight: 1})
		if over >= direct || one >= over {
			t.Errorf("%d cores: two phases %v ns direct, %v over a tree, one phase %v", n, direct, over, one)
		}
		if many := timeOf(t, Run{Cores: n, TwoPhases: true, Tree: tree, Operations: 32, InFlight: 16}) / 32; many >= over {
			t.Errorf("%d cores: %v ns an operation with 16 under way, %v alone", n, many, over)
		}
		if again := timeOf(t, Run{Cores: n, TwoPhases: true, Operations: 1, InFlight: 1}); again != direct {
			t.Errorf("%d cores: %v ns, then %v", n, direct, again)
		}
	}
}

// TestWindow: more at once than a machine takes is an error.
func TestWindow(t *testing.T) {
	if ns, err := model.Time(Run{Cores: 2, TwoPhases: true, Operations: 40, InFlight: 40}); err == nil {
		t.Errorf("%v ns", ns)
	}
}
