package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// timers waits for random times in every way; none may be over early.
func timers(r *rand.Rand) error {
	asked := time.Duration(r.IntN(4000)) * time.Microsecond
	ways := []struct {
		name string
		wait func()
	}{
		{"Sleep", func() { time.Sleep(asked) }},
		{"After", func() { <-time.After(asked) }},
		{"AfterFunc", func() {
			done := make(chan struct{})
			time.AfterFunc(asked, func() { close(done) })
			<-done
		}},
		{"Reset", func() {
			t := time.NewTimer(time.Hour)
			t.Reset(asked)
			<-t.C
		}},
	}
	for _, w := range ways {
		start := time.Now()
		w.wait()
		if took := time.Since(start); took < asked {
			return fmt.Errorf("%s(%v) was over after %v", w.name, asked, took)
		}
	}
	if t := time.NewTimer(time.Hour); !t.Stop() {
		return fmt.Errorf("a timer of an hour had expired")
	}
	return nil
}

// tickers wants no tick before its time.
func tickers(r *rand.Rand) error {
	period := time.Duration(200+r.IntN(2000)) * time.Microsecond
	start := time.Now()
	t := time.NewTicker(period)
	defer t.Stop()
	for i := range 10 {
		<-t.C
		if took, least := time.Since(start), time.Duration(i+1)*period; took < least {
			return fmt.Errorf("tick %d of %v came after %v", i, period, took)
		}
	}
	return nil
}

// panics recovers from the faults that the CPU finds and wants the right error.
func panics(r *rand.Rand) error {
	var null *[64]int
	list, index, zero := make([]int, 1+r.IntN(5)), 5+r.IntN(5), r.IntN(1)
	for _, c := range []struct {
		want string
		do   func() int
	}{
		{"invalid memory address or nil pointer dereference", func() int { return null[index] }},
		{fmt.Sprintf("index out of range [%d] with length %d", index, len(list)), func() int { return list[index] }},
		{"integer divide by zero", func() int { return index / zero }},
		{"interface conversion", func() int { return len(any(index).(fmt.Stringer).String()) }},
	} {
		if err := wantPanic(c.want, c.do); err != nil {
			return err
		}
	}
	return nil
}

func wantPanic(want string, do func() int) (err error) {
	defer func() {
		p := recover()
		e, ok := p.(runtime.Error)
		if !ok || !strings.Contains(e.Error(), want) {
			err = fmt.Errorf("recovered %T %v, want a runtime.Error with %q", p, p, want)
		}
	}()
	return fmt.Errorf("%q did not happen: %d", want, do())
}

// recursion grows a goroutine's stack and lets it shrink again.
func recursion(r *rand.Rand) error {
	depth := 100 + r.IntN(12_000)
	result := make(chan int)
	go func() { result <- descend(depth) }()
	if got, want := <-result, depth*(depth+1)/2; got != want {
		return fmt.Errorf("recursion of depth %d gave %d, want %d", depth, got, want)
	}
	time.Sleep(time.Millisecond)
	return nil
}

func descend(depth int) int {
	if depth == 0 {
		return 0
	}
	var frame [8]int
	frame[depth%8] = depth
	sum := descend(depth - 1)
	return sum + frame[depth%8]
}

// threads locks goroutines to threads: each stays on its own, and a thread
// whose goroutine ends locked ends too.
func threads(r *rand.Rand) error {
	const locked = 4
	hop, errs := make(chan int), make(chan error, locked)
	ids := make(chan int, locked)
	for i := range locked {
		go func() {
			runtime.LockOSThread()
			if i%2 == 0 {
				defer runtime.UnlockOSThread()
			}
			id := syscall.Gettid()
			ids <- id
			for range 10 {
				<-hop
				if now := syscall.Gettid(); now != id {
					errs <- fmt.Errorf("a locked goroutine was on thread %d, is on %d", id, now)
					return
				}
			}
			errs <- nil
		}()
	}
	seen := map[int]bool{}
	for range locked {
		id := <-ids
		if seen[id] {
			return fmt.Errorf("two locked goroutines on thread %d", id)
		}
		seen[id] = true
	}
	for range 10 * locked {
		hop <- 1
	}
	for range locked {
		if err := <-errs; err != nil {
			return err
		}
	}
	time.Sleep(time.Duration(r.IntN(5)) * time.Millisecond)
	return nil
}

// pipes sends bytes through an os.Pipe in pieces of other sizes than it reads.
func pipes(r *rand.Rand) error {
	in, out, err := os.Pipe()
	if err != nil {
		return err
	}
	data := make([]byte, 1+r.IntN(300<<10))
	fill(r, data)
	want := sha256.Sum256(data)
	cut := make([]int, 0, 100)
	for rest := len(data); rest > 0; {
		n := min(1+r.IntN(90<<10), rest)
		cut = append(cut, n)
		rest -= n
	}
	failed := make(chan error, 1)
	go func() {
		defer out.Close()
		rest := data
		for _, n := range cut {
			if _, err := out.Write(rest[:n]); err != nil {
				failed <- err
				return
			}
			rest = rest[n:]
		}
		failed <- nil
	}()
	var got bytes.Buffer
	buf := make([]byte, 1+r.IntN(20<<10))
	for {
		n, err := in.Read(buf)
		got.Write(buf[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if err := <-failed; err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if sha256.Sum256(got.Bytes()) != want {
		return fmt.Errorf("%d of %d bytes came out of a pipe, or others than went in", got.Len(), len(data))
	}
	return in.Close()
}
