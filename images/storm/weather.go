package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"barreleye/guest"
	"barreleye/guest/cpudriver"
)

// check is one thing to do again and again, by one goroutine each.
type check struct {
	name string
	once func(*rand.Rand) error
}

var checks = []check{
	{"registers", func(r *rand.Rand) error { return checkHold(r, width(), 1+r.Uint64N(20_000)) }},
	{"calls", func(r *rand.Rand) error { return checkCall(r, 0) }},
	{"faults", faults},
	{"touches", touches},
	{"signals", signals},
	{"threads", threads},
	{"garbage", garbage},
	{"rings", rings},
}

// weather runs all checks side by side until the time is over.
func weather(r *result) error {
	debug.SetGCPercent(20)
	deadline := time.Now().Add(*length)
	type outcome struct {
		name string
		n    uint64
		err  error
	}
	out := make(chan outcome, len(checks))
	for i, c := range checks {
		go func() {
			rng := rand.New(rand.NewPCG(*seed, uint64(guest.Core()*len(checks)+i)))
			o := outcome{name: c.name}
			for time.Now().Before(deadline) && o.err == nil {
				for range 1 + rng.IntN(50) {
					if o.err = c.once(rng); o.err != nil {
						break
					}
					o.n++
				}
				runtime.Gosched()
			}
			out <- o
		}()
	}
	for range checks {
		o := <-out
		if o.err != nil {
			return fmt.Errorf("%s: %w", o.name, o.err)
		}
		r.Checks[o.name] = o.n
	}
	return nil
}

// faults has the runtime recover from a nil dereference.
func faults(r *rand.Rand) (err error) {
	want := r.Uint64()
	defer func() {
		if recover() == nil {
			err = fmt.Errorf("a nil dereference went through")
		}
		if want == 0 {
			err = fmt.Errorf("a local variable was lost")
		}
	}()
	want |= 1
	var p *[8]uint64
	p[r.IntN(8)] = want
	return nil
}

// touches uses zeroed data of the image for the first time, by the program and by a
// system call that the driver serves.
func touches(r *rand.Rand) error {
	i := r.IntN(len(sparse))
	if p := sparse[i]; p != nil && *p != i {
		return fmt.Errorf("entry %d points to %d", i, *p)
	}
	sparse[i] = &i
	mem, err := syscall.Mmap(-1, 0, 16<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return err
	}
	defer syscall.Munmap(mem)
	at := r.IntN(len(mem) - 16)
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		return err
	}
	defer syscall.Close(fds[0])
	defer syscall.Close(fds[1])
	if _, err := syscall.Write(fds[1], []byte("sixteen bytes...")); err != nil {
		return err
	}
	if n, err := syscall.Read(fds[0], mem[at:at+16]); n != 16 || err != nil || !bytes.Equal(mem[at:at+16], []byte("sixteen bytes...")) {
		return fmt.Errorf("%d bytes of 16 came through a pipe: %v", n, err)
	}
	return nil
}

var (
	usr  = make(chan os.Signal, 1)
	once atomic.Bool
)

// signals sends this process a signal and waits for it.
func signals(*rand.Rand) error {
	if once.CompareAndSwap(false, true) {
		signal.Notify(usr, syscall.SIGUSR1)
	}
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGUSR1); err != nil {
		return err
	}
	select {
	case <-usr:
		return nil
	case <-time.After(20 * time.Second):
		return fmt.Errorf("a signal did not arrive within 20 s")
	}
}

// threads hands a number to another thread and back.
func threads(r *rand.Rand) error {
	there, back := make(chan uint64), make(chan uint64)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for v := range there {
			back <- v + 1
		}
		close(back)
	}()
	for range 20 {
		v := r.Uint64()
		there <- v
		if got := <-back; got != v+1 {
			return fmt.Errorf("%d came back as %d", v, got)
		}
	}
	close(there)
	<-back
	return nil
}

var kept [64][]byte

// garbage makes garbage and keeps some.
func garbage(r *rand.Rand) error {
	i := r.IntN(len(kept))
	if b := kept[i]; len(b) > 0 && (b[0] != byte(len(b)) || b[len(b)-1] != byte(len(b))) {
		return fmt.Errorf("%d bytes changed", len(b))
	}
	b := make([]byte, 1+r.IntN(16<<10))
	b[0], b[len(b)-1] = byte(len(b)), byte(len(b))
	kept[i] = b
	return nil
}

// rings rings another core after a random time.
func rings(r *rand.Rand) error {
	if guest.Cores() < 2 {
		return nil
	}
	for until := guest.TSC() + r.Uint64N(100_000); guest.TSC() < until; {
	}
	cpudriver.Ring((guest.Core() + 1 + r.IntN(guest.Cores()-1)) % guest.Cores())
	return nil
}
