// Package paths measures what a program pays for what its kernel does: the CPU
// driver of a core, or Linux where the same code runs as a process.
package paths

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// Path is one way into the kernel and back.
type Path struct {
	Name, Note string
	// Each is how many a sample is the mean of; Do does that many.
	Each int
	Do   func(n int) error
}

// All are the paths, in the order of the rows.
var All = []Path{
	{"syscall", "getpid", 2000, getpid},
	{"clock", "time.Now, which on Linux takes no system call", 2000, now},
	{"exception", "a nil dereference, recovered by the program", 50, dereference},
	{"signal", "SIGURG to the own thread, its handler, and back", 50, interrupt},
	{"handoff", "a message to a goroutine that is locked to another thread of the same CPU, one way", 200, handOff},
	{"mmap", "64 KiB of memory mapped and unmapped, not used", 16, mapped},
	{"touch", "the first use of a page, of 128 side by side", 128, touched},
	{"touch_sparse", "the first use of a page where 63 of 64 stay unused", 64, sparse},
}

// Measure returns the ns that each path took, as many samples of each as rounds.
func Measure(rounds int) (map[string][]float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	samples := map[string][]float64{}
	for i := range rounds + 1 {
		for _, p := range All {
			start := time.Now()
			if err := p.Do(p.Each); err != nil {
				return nil, fmt.Errorf("%s: %w", p.Name, err)
			}
			if i > 0 { // the first round warms up
				samples[p.Name] = append(samples[p.Name], float64(time.Since(start).Nanoseconds())/float64(p.Each))
			}
		}
	}
	return samples, nil
}

// Syscalls measures the first of them alone.
func Syscalls(rounds, each int) (samples []float64) {
	for range rounds {
		start := time.Now()
		getpid(each)
		samples = append(samples, float64(time.Since(start).Nanoseconds())/float64(each))
	}
	return samples
}

func getpid(n int) error {
	for range n {
		if _, _, e := syscall.RawSyscall(syscall.SYS_GETPID, 0, 0, 0); e != 0 {
			return e
		}
	}
	return nil
}

func now(n int) error {
	last := time.Now()
	for range n {
		t := time.Now()
		if t.Before(last) {
			return fmt.Errorf("the clock went back")
		}
		last = t
	}
	return nil
}

func dereference(n int) error {
	for range n {
		if !recovers(nil) {
			return fmt.Errorf("a nil dereference went through")
		}
	}
	return nil
}

func recovers(p *int) (ok bool) {
	defer func() { ok = recover() != nil }()
	*p = 1
	return false
}

func interrupt(n int) error {
	pid, tid := uintptr(os.Getpid()), uintptr(syscall.Gettid())
	for range n {
		if _, _, e := syscall.RawSyscall(syscall.SYS_TGKILL, pid, tid, uintptr(syscall.SIGURG)); e != 0 {
			return e
		}
	}
	return nil
}

func handOff(n int) error {
	there, back := make(chan int), make(chan int)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for v := range there {
			back <- v + 1
		}
	}()
	defer close(there)
	for i := range n / 2 {
		there <- i
		if got := <-back; got != i+1 {
			return fmt.Errorf("%d came back as %d", i, got)
		}
	}
	return nil
}

const page = 4096

func memory(size int, use func(mem []byte)) error {
	mem, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return err
	}
	use(mem)
	return syscall.Munmap(mem)
}

func mapped(n int) error {
	for range n {
		if err := memory(16*page, func([]byte) {}); err != nil {
			return err
		}
	}
	return nil
}

func touched(n int) error {
	return memory(n*page, func(mem []byte) {
		for i := range n {
			mem[i*page] = 1
		}
	})
}

func sparse(n int) error {
	return memory(64*n*page, func(mem []byte) {
		for i := range n {
			mem[i*64*page] = 1
		}
	})
}
