package integration

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// resident returns the memory in KiB that this process has to itself, without what the
// Go runtime keeps for later.
func resident(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := bytes.Cut(text, []byte("RssAnon:"))
	fields := bytes.Fields(rest)
	if !ok || len(fields) == 0 {
		t.Fatal("Linux does not tell RssAnon in /proc/self/status")
	}
	kib, err := strconv.Atoi(string(fields[0]))
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

// live returns the bytes that the collector could not free.
func live() int {
	runtime.GC()
	runtime.GC() // what finalizers and pools had held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// steady returns what this process holds once that does not change for a while: what a life
// had is freed beside what goes on.
func steady(t *testing.T) held {
	t.Helper()
	now, same := holds(t), 0
	for deadline := time.Now().Add(hang()); same < 50 && time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		next := holds(t)
		if same++; next.descriptors != now.descriptors || next.goroutines != now.goroutines {
			same = 0
		}
		now = next
	}
	return now
}

// TestLivesLeakNothing: a run in which cores have had a thousand lives holds no more than
// one in which they had a hundred.
func TestLivesLeakNothing(t *testing.T) {
	probe, update := load(t, "probe", image.LoadOptions{}), load(t, "probe", image.LoadOptions{})
	opt := options(t, probe, 2, "asleep")
	opt.Memory = 32 << 20
	kick := make(chan multikernel.Reason, 1)
	opt.Kick = kick
	defer time.AfterFunc(4*hang(), func() { kick <- multikernel.Reason{Text: "hung", Code: codeHung} }).Stop()
	command(t, opt, "sleeping", func(do func(multikernel.Command) multikernel.Reply) {
		lives := func(n int) {
			done := make(chan bool)
			for core := range 2 {
				go func() {
					defer func() { done <- true }()
					for i := range n / 2 {
						cmd := multikernel.Command{Op: multikernel.OpRestart, Core: core, Drain: i%2 == 0}
						if i%5 == 0 {
							cmd.Op, cmd.Image = multikernel.OpUpdate, update
						}
						if r := do(cmd); r.Err != nil {
							t.Errorf("life %d of core %d: %v", i, core, r.Err)
							return
						}
					}
				}()
			}
			<-done
			<-done
		}
		lives(scaled(100, 20))
		before, heap, had := steady(t), live(), resident(t)
		start, n := time.Now(), scaled(1000, 40)
		lives(n)
		after, heaped, has := settled(t, before), live(), resident(t)
		t.Logf("before %+v and %d KiB (%d of live heap), after %d lives in %v %+v and %d KiB (%d)",
			before, had, heap>>10, n, time.Since(start), after, has, heaped>>10)
		if after.descriptors > before.descriptors || after.goroutines > before.goroutines {
			t.Errorf("%d descriptors and %d goroutines more", after.descriptors-before.descriptors, after.goroutines-before.goroutines)
		}
		// the Go runtime may start a thread, or map memory, when it likes
		if few := 16; after.threads > before.threads+few || after.mappings > before.mappings+2*few {
			t.Errorf("%d threads and %d mappings more", after.threads-before.threads, after.mappings-before.mappings)
		}
		if most := 16 << 10; has > had+most {
			t.Errorf("%d KiB more", has-had)
		}
		if most := n * 1024; heaped > heap+most { // a line of the log for each is kept here
			t.Errorf("%d bytes more of live heap", heaped-heap)
		}
		do(multikernel.Command{Op: multikernel.OpShutdown})
	})
}
