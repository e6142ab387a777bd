package integration

import (
	"bytes"
	"os"
	"runtime"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// held is what this process holds of what a run takes.
type held struct{ descriptors, threads, goroutines, mappings int }

func holds(t *testing.T) held {
	t.Helper()
	count := func(dir string) int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return held{count("/proc/self/fd"), count("/proc/self/task"), runtime.NumGoroutine(), bytes.Count(maps, []byte("\n"))}
}

// settled returns what this process holds once that is no more than before: what is ending
// beside the test needs a moment. Where it stays more, that is what is returned at last.
func settled(t *testing.T, before held) held {
	t.Helper()
	for deadline := time.Now().Add(hang()); ; time.Sleep(2 * time.Millisecond) {
		now := holds(t)
		if now.descriptors <= before.descriptors && now.goroutines <= before.goroutines || time.Now().After(deadline) {
			return now
		}
	}
}

// A run that ends, however it does, gives everything back.
func TestRunsLeakNothing(t *testing.T) {
	hello, crash := load(t, "hello", image.LoadOptions{}), load(t, "crash", image.LoadOptions{})
	dir := t.TempDir()
	one := func(i int) {
		opt := options(t, hello, 2)
		opt.Dir = dir
		opt.Memory = 32 << 20
		switch i % 8 {
		case 1: // a crash
			opt.Image, opt.Args = crash, []string{"driver"}
		case 2: // a stop at some moment of the boot
			kick := make(chan multikernel.Reason, 1)
			time.AfterFunc(time.Duration(i)*time.Millisecond/4, func() { kick <- multikernel.Reason{Text: "test", Code: 130} })
			opt.Kick = kick
		case 3: // a start that fails
			opt.Dir = "/no/such/folder"
			if _, err := multikernel.Run(opt); err == nil {
				t.Error("a run without a folder began")
			}
			return
		}
		run(t, opt)
	}
	const warm = 16 // threads and pools come up to what is needed
	for i := range warm {
		one(i)
	}
	before := steady(t)
	n := scaled(100, 16)
	for i := range n {
		one(i)
	}
	after := settled(t, before)
	t.Logf("before %+v, after %d runs %+v", before, n, after)
	if after.descriptors > before.descriptors {
		t.Errorf("%d descriptors more", after.descriptors-before.descriptors)
	}
	if after.goroutines > before.goroutines {
		t.Errorf("%d goroutines more", after.goroutines-before.goroutines)
	}
	// the Go runtime may start a thread, or map memory, when it likes
	if few := max(n/4, 12); after.threads > before.threads+few || after.mappings > before.mappings+few {
		t.Errorf("%d threads and %d mappings more", after.threads-before.threads, after.mappings-before.mappings)
	}
}
