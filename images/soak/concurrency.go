package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// channels sends numbers through a chain of unbuffered and buffered channels.
func channels(r *rand.Rand) error {
	const stages = 8
	n := 1 + r.IntN(300)
	first := make(chan int)
	next := first
	for range stages {
		in, out := next, make(chan int, r.IntN(4))
		go func() {
			defer close(out)
			for v := range in {
				out <- v + 1
			}
		}()
		next = out
	}
	go func() {
		defer close(first)
		for i := range n {
			first <- i
		}
	}()
	i := 0
	for v := range next {
		if v != i+stages {
			return fmt.Errorf("number %d arrived as %d, want %d", i, v, i+stages)
		}
		i++
	}
	if i != n {
		return fmt.Errorf("%d of %d numbers arrived", i, n)
	}
	return nil
}

// selects merges several senders, with timeouts and a cancelled context.
func selects(r *rand.Rand) error {
	const senders = 5
	n := 1 + r.IntN(100)
	var in [senders]chan int
	done := make(chan int, senders)
	for i := range in {
		in[i] = make(chan int, i%2)
		go func() {
			for v := range n {
				in[i] <- v
			}
			done <- i
		}()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var got [senders]int
	check := func(i, v int) error {
		if v != got[i] {
			return fmt.Errorf("sender %d: got %d, want %d", i, v, got[i])
		}
		got[i]++
		return nil
	}
	for total, ended := 0, 0; total < senders*n || ended < senders; total++ {
		var err error
		select {
		case v := <-in[0]:
			err = check(0, v)
		case v := <-in[1]:
			err = check(1, v)
		case v := <-in[2]:
			err = check(2, v)
		case v := <-in[3]:
			err = check(3, v)
		case v := <-in[4]:
			err = check(4, v)
		case <-done:
			total--
			ended++
		case <-ctx.Done():
			return errors.New("nothing arrived for 30 s")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// syncs lets goroutines share a counter under each kind of lock.
func syncs(r *rand.Rand) error {
	const goroutines = 12
	n := 1 + r.IntN(100)
	var (
		mu     sync.Mutex
		rw     sync.RWMutex
		wg     sync.WaitGroup
		once   sync.Once
		ones   atomic.Int64
		atom   atomic.Int64
		locked int
		shared int
		torn   atomic.Int64
		pair   [2]int
		cond   = sync.NewCond(&mu)
		gate   bool
	)
	for range goroutines {
		wg.Go(func() {
			mu.Lock()
			for !gate {
				cond.Wait()
			}
			mu.Unlock()
			for range n {
				mu.Lock()
				locked++
				mu.Unlock()
				rw.Lock()
				shared++
				pair[0]++
				pair[1]++
				rw.Unlock()
				rw.RLock()
				if pair[0] != pair[1] {
					torn.Add(1)
				}
				rw.RUnlock()
				atom.Add(1)
				once.Do(func() { ones.Add(1) })
			}
		})
	}
	mu.Lock()
	gate = true
	mu.Unlock()
	cond.Broadcast()
	wg.Wait()
	want := goroutines * n
	if locked != want || shared != want || atom.Load() != int64(want) || ones.Load() != 1 || torn.Load() != 0 {
		return fmt.Errorf("counters %d, %d, %d, want %d; once ran %d times; %d torn pairs", locked, shared, atom.Load(), want, ones.Load(), torn.Load())
	}
	return nil
}

// preemption runs a loop without calls that ends only when another goroutine
// gets to run.
func preemption(*rand.Rand) error {
	var flag atomic.Bool
	go flag.Store(true)
	spins, x := uint64(0), 1.5
	for !flag.Load() {
		spins++
		x = x*1.0000001 + 0.5
		if x > 1e9 {
			x = 1.5
		}
	}
	if x < 1.5 || x > 1e9+1e3 {
		return fmt.Errorf("after %d spins the float is %v", spins, x)
	}
	time.Sleep(5 * time.Millisecond)
	return nil
}
