package integration

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// TestDumpsOfLivingCores: a core file is written of cores that sleep, are parked, and of
// copies, which go on as if nothing had been. Of one that does not live there is none.
func TestDumpsOfLivingCores(t *testing.T) {
	for _, clone := range []bool{false, true} {
		t.Run(fmt.Sprintf("clone %v", clone), func(t *testing.T) {
			if clone {
				needGuests(t, "processes are started, not copied")
			}
			opt := options(t, load(t, "probe", image.LoadOptions{}), 3, "drain")
			opt.Clone = clone
			o := command(t, opt, "ready", func(do func(multikernel.Command) multikernel.Reply) {
				dump := func(core int) {
					t.Helper()
					r := do(multikernel.Command{Op: multikernel.OpDump, Core: core})
					if r.Err != nil || r.Life != 1 {
						t.Errorf("dump of core %d: life %d, %v", core, r.Life, r.Err)
						return
					}
					wantCoreFile(t, r.File)
				}
				dump(0)
				dump(0)
				do(multikernel.Command{Op: multikernel.OpPark, Core: 1})
				dump(1)
				if r := do(multikernel.Command{Op: multikernel.OpStatus}); r.Status.Cores[1].State != "parked" {
					t.Errorf("a parked core that was dumped is %s", r.Status.Cores[1].State)
				}
				do(multikernel.Command{Op: multikernel.OpResume, Core: 1})
				do(multikernel.Command{Op: multikernel.OpStop, Core: 2})
				if r := do(multikernel.Command{Op: multikernel.OpDump, Core: 2}); r.Err == nil {
					t.Error("a core that does not live was dumped")
				}
				do(multikernel.Command{Op: multikernel.OpShutdown, Drain: true})
			})
			for i := range 2 {
				o.wantLine(i, "asked by terminated, drained")
				if c := o.Cores[i]; c.State != "exited" || c.ExitCode != 0 {
					t.Errorf("core %d %s with code %d", i, c.State, c.ExitCode)
				}
			}
		})
	}
}

// wantCoreFile wants a core file with threads, text and data of the program.
func wantCoreFile(t *testing.T, name string) {
	t.Helper()
	f, err := elf.Open(name)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	notes, text, data := 0, 0, 0
	for _, p := range f.Progs {
		switch {
		case p.Type == elf.PT_NOTE:
			notes += int(p.Filesz)
		case p.Flags&elf.PF_X != 0:
			text++
		case p.Flags&elf.PF_W != 0:
			data++
		}
	}
	if f.Type != elf.ET_CORE || notes < 1000 || text == 0 || data == 0 {
		t.Errorf("%s: type %v, %d bytes of notes, %d ranges of text, %d of data", name, f.Type, notes, text, data)
	}
	if info, err := os.Stat(name); err != nil || info.Size() < 1<<20 {
		t.Errorf("the core file: %v, %v", info, err)
	}
}

// TestGDBOpensDumps has gdb look at a core that computes and one that sleeps, as they
// were dumped.
func TestGDBOpensDumps(t *testing.T) {
	program, im := withSymbols(t, "probe")
	var files [2]string
	opt := options(t, im, 2, "lopsided")
	calls := map[int][]string{
		0: {`main\.spin \(`, `main\.main \(`},
		1: {`runtime\.(mcall|mPark|futex|netpoll|epollwait|notesleep|findRunnable)`},
	}
	if !onHosted() {
		calls[1] = append(calls[1], `cpudriver\.(idle|schedule|leave|serve)`)
	}
	command(t, opt, "spinning|sleeping", func(do func(multikernel.Command) multikernel.Reply) {
		for start := time.Now(); !onHosted() && do(multikernel.Command{Op: multikernel.OpStatus}).Status.Cores[1].Power != "halt"; {
			if time.Since(start) > hang() { // it said that it would sleep before it did
				t.Error("core 1 never sleeps")
				break
			}
		}
		for i := range files {
			r := do(multikernel.Command{Op: multikernel.OpDump, Core: i})
			if r.Err != nil {
				t.Error(r.Err)
			}
			files[i] = r.File
		}
		do(multikernel.Command{Op: multikernel.OpShutdown})
	})
	for i, name := range files {
		out, err := exec.Command("gdb", "-nx", "-batch", "-ex", "bt", "-ex", "thread apply all bt", program, name).CombinedOutput()
		if err != nil {
			t.Fatalf("gdb: %v\n%s", err, out)
		}
		for _, call := range calls[i] {
			if !regexp.MustCompile(call).Match(out) {
				t.Errorf("core %d: gdb shows no %s:\n%s", i, call, out)
			}
		}
	}
}

// TestDumpsOfEndingCores: cores are killed and begin anew while they are dumped, again
// and again; each dump is written, or refused because there is no life.
func TestDumpsOfEndingCores(t *testing.T) {
	written := 0
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "lopsided")
	lives := uint64(scaled(12, 4))
	o := command(t, opt, "spinning|sleeping", func(do func(multikernel.Command) multikernel.Reply) {
		for core := range 2 {
			for life := uint64(2); life <= lives; life++ {
				begun := make(chan struct{})
				go func() {
					defer close(begun)
					if r := do(multikernel.Command{Op: multikernel.OpRestart, Core: core}); r.Err != nil || r.Life != life {
						t.Errorf("restart of core %d: life %d, %v; want %d", core, r.Life, r.Err, life)
					}
				}()
				for range 3 {
					r := do(multikernel.Command{Op: multikernel.OpDump, Core: core})
					switch {
					case r.Err == nil:
						written++
						wantCoreFile(t, r.File)
					case !strings.Contains(r.Err.Error(), "its life is over") && !strings.Contains(r.Err.Error(), "does not live"):
						t.Error(r.Err)
					}
				}
				<-begun
			}
		}
		do(multikernel.Command{Op: multikernel.OpShutdown})
	})
	t.Logf("%d dumps", written)
	for i, c := range o.Cores {
		if c.Life != lives || c.Error != "" {
			t.Errorf("core %d: life %d: %s", i, c.Life, c.Error)
		}
	}
}
