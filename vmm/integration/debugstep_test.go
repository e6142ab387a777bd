package integration

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/gdb"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

var debugSeed = flag.Uint64("debug.seed", 0, "seed of TestDebugAtRandom; 0 for a new one")

// debugger is one that is a program.
type debugger struct {
	t      *testing.T
	target gdb.Target
	im     *image.Image
	next   uint64        // address of main.debugNext, where a breakpoint is
	rounds map[int]int64 // the argument of its next call, by core
}

// address returns where a function begins.
func address(t *testing.T, im *image.Image, name string) uint64 {
	t.Helper()
	for _, s := range im.Segments {
		if s.Perm&image.PermX == 0 {
			continue
		}
		for va := s.VA; va < s.VA+s.MemSize; va += 16 {
			if fn, off, _, _, ok := im.Symbol(va); ok && off == 0 && fn == name {
				return va
			}
		}
	}
	t.Fatalf("no function %s", name)
	return 0
}

// wait returns the next stop, with all cores standing.
func (d *debugger) wait() (stop gdb.Stop, ok bool) {
	d.t.Helper()
	limit := time.After(hang())
	for {
		if stop, ok := d.target.Next(); ok {
			d.target.Halt()
			return stop, true
		}
		select {
		case <-d.target.Woken():
		case <-limit:
			d.t.Error("no core stops")
			d.target.Halt()
			return stop, false
		}
	}
}

// drop forgets stops that others came to meanwhile: breakpoints they come to again.
func (d *debugger) drop() {
	for {
		if _, ok := d.target.Next(); !ok {
			return
		}
	}
}

func (d *debugger) at(core int) (rip uint64, function string) {
	t, err := d.target.Registers(core)
	if err != nil {
		d.t.Error(err)
	}
	fn, _, _, _, _ := d.im.Symbol(t.Regs.RIP)
	return t.Regs.RIP, fn
}

// call notes that a core has called main.debugNext: no call was missed.
func (d *debugger) call(core int, n int64) {
	d.t.Helper()
	if want, seen := d.rounds[core]; seen && n != want {
		d.t.Errorf("core %d: call %d, want %d: breakpoints were lost", core, n, want)
	}
	d.rounds[core] = n + 1
}

// step makes one step, with the breakpoint where it begins out of the way.
func (d *debugger) step(core int) {
	d.t.Helper()
	rip, function := d.at(core)
	before, err := d.target.Registers(core)
	d.must(err)
	if rip == d.next {
		d.must(d.target.Remove(rip))
	}
	d.drop()
	d.target.Resume([]int{core}, nil)
	stop, ok := d.wait()
	if ok && (stop.Core != core || stop.Why != gdb.Stepped && stop.Why != gdb.AtBreakpoint) {
		d.t.Errorf("stop %+v instead of core %d's step from %#x (%s)", stop, core, rip, function)
	}
	now, name := d.at(core)
	if rip == d.next {
		d.must(d.target.Insert(rip))
		if name == function { // and not the program's handler of a signal, which comes back here
			d.call(core, int64(before.Regs.RAX))
		}
	}
	if stop.Why == gdb.Stepped && !strings.Contains(function, "cpudriver") && inDriver(name) {
		d.t.Errorf("core %d: a step from %#x (%s) ends at %#x (%s)", core, rip, function, now, name)
	}
}

// inDriver names functions of the CPU driver that are not called by programs.
func inDriver(function string) bool {
	for _, name := range []string{"Entry", "leave", "serve", "Vector"} {
		if strings.HasPrefix(function, "barreleye/guest/cpudriver."+name) || strings.HasPrefix(function, "barreleye/guest/cpudriver.") && strings.HasSuffix(function, name) {
			return true
		}
	}
	return false
}

func (d *debugger) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Error(err)
	}
}

// goOn lets all cores go, those at the breakpoint over it, and returns the next stop.
func (d *debugger) goOn() (gdb.Stop, bool) {
	d.t.Helper()
	d.leave()
	d.target.Resume(nil, d.target.Cores())
	return d.wait()
}

// leave steps all cores off the breakpoint, and forgets what they stopped for.
func (d *debugger) leave() {
	d.t.Helper()
	for _, core := range d.target.Cores() {
		if rip, _ := d.at(core); rip == d.next {
			d.step(core)
		}
	}
	d.drop()
}

// TestDebugAtRandom has a debugger do at random what it can: stop cores at a
// breakpoint of the program and of the driver's entries, anywhere at all, and step. No
// breakpoint may be lost, and the program must not mind.
func TestDebugAtRandom(t *testing.T) {
	needGuests(t, "gdb -p debugs a process")
	seed := *debugSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-debug.seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	im := load(t, "probe", image.LoadOptions{})
	opt := options(t, im, 2, "debugged")
	opt.Watchdog, opt.Tick = 2*time.Second, time.Millisecond
	o := command(t, opt, "rounds begin", func(do func(multikernel.Command) multikernel.Reply) {
		reply := do(multikernel.Command{Op: multikernel.OpDebug, Core: multikernel.AllCores})
		if reply.Err != nil {
			t.Error(reply.Err)
			return
		}
		d := &debugger{t: t, target: reply.Debug, im: im, next: address(t, im, "main.debugNext"), rounds: map[int]int64{}}
		defer d.target.Detach()
		var entries []uint64
		for _, name := range []string{"syscallEntry", "interruptEntry", "exceptionEntry", "leave", "serve", "serveInterrupt"} {
			entries = append(entries, address(t, im, "barreleye/guest/cpudriver."+name))
		}
		d.must(d.target.Insert(d.next))
		for range scaled(150, 30) {
			if t.Failed() {
				break
			}
			switch r.IntN(4) {
			case 0: // to the breakpoint
				d.goOn()
			case 1: // anywhere
				d.leave()
				d.target.Resume(nil, d.target.Cores())
				time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
				d.target.Halt()
			case 2:
				core := r.IntN(2)
				for range r.IntN(scaled(200, 50)) {
					d.step(core)
				}
			case 3: // an entry of the driver
				entry := entries[r.IntN(len(entries))]
				d.leave()
				d.must(d.target.Insert(entry))
				for range 3 {
					stop, ok := d.goOn()
					if rip, _ := d.at(stop.Core); ok && rip == entry {
						break
					}
				}
				d.must(d.target.Remove(entry))
			}
		}
		d.leave()
		for left := []int{0, 1}; len(left) > 0; { // end both by an argument
			stop, ok := d.goOn()
			if !ok {
				break
			}
			if stop.Why != gdb.AtBreakpoint || d.rounds[stop.Core] < 0 {
				continue // the other one has ended
			}
			regs, err := d.target.Registers(stop.Core)
			d.must(err)
			d.call(stop.Core, int64(regs.Regs.RAX))
			regs.Regs.RAX, regs.Vector = ^uint64(1000), nil
			d.must(d.target.SetRegisters(stop.Core, regs))
			d.rounds[stop.Core] = -1001
			left = left[:len(left)-1]
		}
	})
	o.wantOK()
}

// TestHaltsWhereBreakpointsCanBe: wherever a debugger stops cores that are interrupted all
// the time, they stand where it can set a breakpoint, and not in the middle of a stub
// of the driver's at CPL0.
func TestHaltsWhereBreakpointsCanBe(t *testing.T) {
	needGuests(t, "a process has no driver")
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "ringing")
	opt.Tick = time.Millisecond
	command(t, opt, "ringing", func(do func(multikernel.Command) multikernel.Reply) {
		reply := do(multikernel.Command{Op: multikernel.OpDebug, Core: multikernel.AllCores})
		if reply.Err != nil {
			t.Error(reply.Err)
			return
		}
		d := &debugger{t: t, target: reply.Debug, im: opt.Image}
		r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
		halted := map[string]int{}
		for range scaled(500, 100) {
			if t.Failed() {
				break
			}
			d.target.Resume(nil, d.target.Cores())
			time.Sleep(time.Duration(r.IntN(1000)) * time.Microsecond)
			d.target.Halt()
			for core := range 2 {
				rip, function := d.at(core)
				halted[function]++
				if err := d.target.Insert(rip); err != nil {
					t.Errorf("core %d stands at %#x (%s): %v", core, rip, function, err)
				}
				d.must(d.target.Remove(rip))
			}
		}
		t.Log(halted)
		d.target.Detach()
		do(multikernel.Command{Op: multikernel.OpShutdown, Reason: multikernel.Reason{Text: "test"}})
	})
}
