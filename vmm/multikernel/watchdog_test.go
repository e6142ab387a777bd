package multikernel

import (
	"testing"
	"time"

	"barreleye/devices/region"
	"barreleye/vmm/hostmem/regiontest"
)

// fakeCore is a core's life with the CPU time that a test gives it.
type fakeCore struct {
	carrier
	used      time.Duration
	off       bool // it does not run
	condemned string
}

func (f *fakeCore) CPUTime() (time.Duration, bool) { return f.used, !f.off }
func (f *fakeCore) Condemn(detail string)          { f.condemned = detail }

// TestWatchdog: only a core that claims to run, serves no event and takes CPU time
// all the while is stuck. Each step is what happens in one second of the host's.
func TestWatchdog(t *testing.T) {
	const bound = 4 * time.Second
	cpu := func(f *fakeCore, b *region.Block, i int) { f.used += time.Second }
	for name, c := range map[string]struct {
		step func(f *fakeCore, b *region.Block, i int)
		tick time.Duration
		fire bool
	}{
		"stuck":                     {cpu, time.Millisecond, true},
		"stuck while it boots":      {func(f *fakeCore, b *region.Block, i int) { b.State.Store(region.StateBooting); cpu(f, b, i) }, time.Millisecond, true},
		"has no ticks":              {cpu, 0, false},
		"serves an event sometimes": {func(f *fakeCore, b *region.Block, i int) { cpu(f, b, i); b.Progress += uint64(i) & 1 }, time.Millisecond, false},
		"waits for a CPU":           {func(f *fakeCore, b *region.Block, i int) { f.used += time.Millisecond }, time.Millisecond, false},
		"stands still with the host": {func(f *fakeCore, b *region.Block, i int) {
			if f.used += time.Millisecond; i%10 == 0 {
				f.used += time.Hour
			}
		}, time.Millisecond, false},
		"sleeps":            {func(f *fakeCore, b *region.Block, i int) { b.Power.Store(region.PowerHalt); cpu(f, b, i) }, time.Millisecond, false},
		"has senders ring":  {func(f *fakeCore, b *region.Block, i int) { b.Asleep = 1; cpu(f, b, i) }, time.Millisecond, true},
		"is not on its CPU": {func(f *fakeCore, b *region.Block, i int) { f.off = true; cpu(f, b, i) }, time.Millisecond, false},
		"gets a thread that had worked": {func(f *fakeCore, b *region.Block, i int) {
			switch f.used += time.Millisecond; i {
			case 0:
				f.off, f.used = true, 0
			case 1:
				f.off, f.used = false, time.Hour
			}
		}, time.Millisecond, false},
		"has crashed": {func(f *fakeCore, b *region.Block, i int) { b.State.Store(region.StateCrashed); cpu(f, b, i) }, time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			w, f, b := guarded(t, bound, c.tick)
			now := time.Now()
			for i := range 20 {
				w.check(now)
				now = now.Add(time.Second)
				c.step(f, b, i)
			}
			if fired := f.condemned != ""; fired != c.fire {
				t.Errorf("condemned for %q", f.condemned)
			}
		})
	}
	t.Run("is another life", func(t *testing.T) {
		w, _, _ := guarded(t, bound, time.Millisecond)
		now := time.Now()
		for i := range 20 {
			f := &fakeCore{used: time.Duration(i) * time.Minute}
			w.r.cores[0].life = f
			if w.check(now.Add(time.Duration(i) * time.Second)); f.condemned != "" {
				t.Fatalf("condemned for %q", f.condemned)
			}
		}
	})
}

// guarded makes a watchdog over one core, which runs.
func guarded(t *testing.T, bound, tick time.Duration) (*watchdog, *fakeCore, *region.Block) {
	view, _ := regiontest.New(t, region.DefaultGeometry(1))
	f := &fakeCore{}
	r := &run{opt: &Options{Watchdog: bound, Tick: tick}, view: view, cores: []*core{{life: f}}}
	view.Block(0).State.Store(region.StateRunning)
	return newWatchdog(r), f, view.Block(0)
}
