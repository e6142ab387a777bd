package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/supervise"

	"golang.org/x/sys/unix"
)

// often is a policy by which cores that crash always return.
func often(s supervise.Strategy) supervise.Policy {
	return supervise.Policy{Restart: supervise.OnFailure, Strategy: s, Intensity: supervise.Intensity{Restarts: 1 << 20, Within: time.Second}}
}

// TestLivesOfOneOfMany: one of several cores is killed again and again while all exchange
// messages. The others go on in their first life, talk to each of its lives, and in the
// end nothing is undelivered.
func TestLivesOfOneOfMany(t *testing.T) {
	cores, kills := scaled(4, 3), scaled(6, 3)
	const victim = 1
	opt := options(t, load(t, "soak", image.LoadOptions{}), cores, "-lives")
	opt.Restart = often(supervise.OneForOne)
	o := command(t, opt, "soak: lives: ready", func(do func(multikernel.Command) multikernel.Reply) {
		for life := uint64(1); life <= uint64(kills); life++ {
			if r := do(multikernel.Command{Op: multikernel.OpKill, Core: victim}); r.Err != nil || r.Life != life {
				t.Errorf("kill: life %d, %v; want %d", r.Life, r.Err, life)
			}
			await(t, opt, fmt.Sprintf("[%d.%d] soak: lives: ready\n", victim, life+1))
		}
		do(multikernel.Command{Op: multikernel.OpShutdown, Drain: true, Reason: multikernel.Reason{Text: "test", Signal: unix.SIGTERM}})
	})
	o.wantOK()
	for i, c := range o.Cores {
		want := uint64(1)
		if i == victim {
			want += uint64(kills)
		}
		if c.Life != want {
			t.Errorf("core %d is in life %d, want %d", i, c.Life, want)
		}
		if i == victim {
			continue
		}
		talks := o.logged(i, fmt.Sprintf("soak: talk: core %d life 1 with core %d life ", i, victim))
		last := fmt.Sprintf("with core %d life %d:", victim, kills+1)
		if len(talks) == 0 || !strings.Contains(talks[len(talks)-1], last) || !strings.Contains(talks[len(talks)-1], " undelivered 0 ") {
			t.Errorf("core %d talked %q, the last one should be %s undelivered 0", i, talks, last)
		}
	}
	if strings.Contains(o.console(), "FAILED") {
		t.Error("a core found something wrong")
	}
}

// TestReturnTimes: each life begins when the one before has ended, and then reaches main;
// also that of a core which is added. The times are shown, not judged.
func TestReturnTimes(t *testing.T) {
	n := scaled(20, 3)
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "asleep")
	opt.Restart, opt.Room = often(supervise.OneForOne), 3
	var adds []float64
	now := func() float64 { return float64(time.Since(opt.Started).Microseconds()) / 1000 }
	o := command(t, opt, "sleeping", func(do func(multikernel.Command) multikernel.Reply) {
		for life := 2; life <= n+1; life++ {
			do(multikernel.Command{Op: multikernel.OpKill, Core: 1})
			await(t, opt, fmt.Sprintf("[1.%d] sleeping\n", life))
		}
		for range n {
			asked := now()
			if r := do(multikernel.Command{Op: multikernel.OpAdd}); r.Err != nil || r.Core != 2 {
				t.Errorf("add: core %d, %v", r.Core, r.Err)
			}
			adds = append(adds, asked)
			do(multikernel.Command{Op: multikernel.OpStop, Core: 2})
		}
		do(multikernel.Command{Op: multikernel.OpShutdown})
	})
	var returns, added []float64
	lives := o.Cores[1].Lives
	for i := 1; i < len(lives); i++ {
		before, l := lives[i-1], lives[i]
		if l.BeganMS < before.EndedMS || l.MainMS <= l.BeganMS || l.EndedMS < l.MainMS {
			t.Errorf("life %d ended at %v ms; life %d began at %v, reached main at %v and ended at %v",
				before.Life, before.EndedMS, l.Life, l.BeganMS, l.MainMS, l.EndedMS)
		}
		returns = append(returns, l.MainMS-before.EndedMS)
	}
	for i, l := range o.Cores[2].Lives {
		if i >= len(adds) || l.BeganMS < adds[i] || l.MainMS <= l.BeganMS {
			t.Fatalf("life %d of core 2 began at %v ms and reached main at %v; it was asked for at %v", l.Life, l.BeganMS, l.MainMS, adds[min(i, len(adds)-1):])
		}
		added = append(added, l.MainMS-adds[i])
	}
	if len(returns) != n || len(added) != n {
		t.Fatalf("%d returns and %d cores added, want %d", len(returns), len(added), n)
	}
	slices.Sort(returns)
	slices.Sort(added)
	t.Logf("end to main of the next life: median %.1f ms, worst %.1f; add to main: median %.1f ms, worst %.1f",
		returns[n/2], returns[n-1], added[n/2], added[n-1])
}

// TestStrategies: which cores begin a new life with one that crashed, and that none does
// before all of them have ended.
func TestStrategies(t *testing.T) {
	for _, s := range []struct {
		strategy supervise.Strategy
		want     []uint64 // last life of each core after core 1 was killed twice
	}{
		{supervise.OneForOne, []uint64{1, 3, 1, 1}},
		{supervise.OneForAll, []uint64{3, 3, 3, 3}},
		{supervise.RestForOne, []uint64{1, 3, 3, 3}},
	} {
		t.Run(s.strategy.String(), func(t *testing.T) {
			opt := options(t, load(t, "probe", image.LoadOptions{}), len(s.want), "asleep")
			opt.Restart = often(s.strategy)
			o := command(t, opt, "sleeping", func(do func(multikernel.Command) multikernel.Reply) {
				for life := uint64(2); life <= 3; life++ {
					do(multikernel.Command{Op: multikernel.OpKill, Core: 1})
					for i, last := range s.want {
						if last > 1 {
							await(t, opt, fmt.Sprintf("[%d.%d] sleeping\n", i, life))
						}
					}
				}
				do(multikernel.Command{Op: multikernel.OpShutdown})
			})
			for k := range 2 { // life k+1 of all of them ended before any began the next
				ended, began := 0.0, o.Cores[1].Lives[2].EndedMS
				for i, c := range o.Cores {
					if c.Life != s.want[i] || len(c.Lives) != int(c.Life) {
						t.Fatalf("core %d is in life %d of %d, want %d", i, c.Life, len(c.Lives), s.want[i])
					}
					if c.Life > 1 {
						ended, began = max(ended, c.Lives[k].EndedMS), min(began, c.Lives[k+1].BeganMS)
					}
				}
				if began < ended {
					t.Errorf("a life %d began at %v ms, before life %d of all had ended at %v", k+2, began, k+1, ended)
				}
			}
		})
	}
}

// TestDelayedLife: a core's next life waits for one that is parked and has not let go of the
// last life, a line says so, and the life begins when that core goes on.
func TestDelayedLife(t *testing.T) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "asleep")
	command(t, opt, "sleeping", func(do func(multikernel.Command) multikernel.Reply) {
		do(multikernel.Command{Op: multikernel.OpPark, Core: 0})
		returned := make(chan multikernel.Reply, 1)
		go func() { returned <- do(multikernel.Command{Op: multikernel.OpRestart, Core: 1}) }()
		await(t, opt, "[vmm] core 1: life 2 waits: core 0, parked, has not let go of life 1: 'barreleye core resume 0' lets it go on\n")
		select {
		case r := <-returned:
			t.Errorf("life %d began while core 0 was parked: %v", r.Life, r.Err)
		default:
		}
		do(multikernel.Command{Op: multikernel.OpResume, Core: 0})
		if r := <-returned; r.Err != nil || r.Life != 2 {
			t.Errorf("life %d, %v; want 2", r.Life, r.Err)
		}
		do(multikernel.Command{Op: multikernel.OpShutdown})
	})
}
