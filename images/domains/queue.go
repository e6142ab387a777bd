package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"barreleye/guest/dispatcher"
)

// showQueue has callers wait for a dispatcher that is at another upcall: it takes
// them in their order, and when it ends they all hear so.
func showQueue() error {
	const callers = 8
	var order []uint64
	entered, leave := make(chan bool, 1), make(chan bool)
	dispatcher.Define("counter", func(d *dispatcher.Dispatcher) error {
		d.Handle("wait", func(m dispatcher.Message) dispatcher.Message {
			entered <- true
			<-leave
			if m.W0 == 1 {
				runtime.Goexit()
			}
			return m
		})
		d.Handle("note", func(m dispatcher.Message) dispatcher.Message {
			order = append(order, m.W0)
			return m
		})
		return nil
	})
	m, err := dispatcher.Start("counter", dispatcher.Options{})
	if err != nil {
		return err
	}
	wait, err := m.Entry("wait")
	if err != nil {
		return err
	}
	note, err := m.Entry("note")
	if err != nil {
		return err
	}
	for _, dies := range []uint64{0, 1} {
		order = nil
		waited := make(chan error, 1)
		go func() {
			_, err := wait.HandOver(dispatcher.Message{W0: dies})
			waited <- err
		}()
		<-entered
		errs := make(chan error, callers)
		begun := make(chan bool)
		for i := range uint64(callers) {
			go func() {
				begun <- true
				_, err := note.HandOver(dispatcher.Message{W0: i})
				errs <- err
			}()
			<-begun
			for inTurns() && calling() < int(i)+2 { // it waits now, or would come after the next one
				time.Sleep(100 * time.Microsecond)
			}
		}
		leave <- true
		want := error(nil)
		if dies == 1 {
			want = dispatcher.ErrEnded
		}
		if err := <-waited; !errors.Is(err, want) {
			return fmt.Errorf("who was served: %w, want %w", err, want)
		}
		for range callers {
			if err := <-errs; !errors.Is(err, want) {
				return fmt.Errorf("who waited: %w, want %w", err, want)
			}
		}
		if dies == 1 {
			break
		}
		for i, got := range order {
			if got != uint64(i) && inTurns() {
				return fmt.Errorf("callers were taken in the order %v", order)
			}
		}
		fmt.Printf("queue: %d callers waited and were served\n", len(order))
	}
	if err := m.Wait(context.Background()); err != nil {
		return err
	}
	if _, err := note.HandOver(dispatcher.Message{}); !errors.Is(err, dispatcher.ErrEnded) {
		return fmt.Errorf("a call after the end: %w", err)
	}
	fmt.Printf("queue: %d callers heard of the end of whom they waited for\n", callers+1)
	return nil
}

// calling returns how many goroutines wait in a call that hands over the core: the runtime
// takes it for a system call.
func calling() (n int) {
	stacks := make([]byte, 64<<10)
	for s := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if head, rest, _ := strings.Cut(s, "\n"); strings.Contains(head, "[syscall") && strings.Contains(rest, ".HandOver(") {
			n++
		}
	}
	return n
}

// showPriority has domains of two priorities compute: the lower one runs when the
// higher one has ended. What it gets before is told by the work that both do, which a
// host that stands still for a while does not change.
func showPriority() error {
	var all []*dispatcher.Domain
	work := make([][8]uint64, 2)
	stopComputing.Store(false)
	for i := range 2 {
		name := fmt.Sprintf("priority-%d", i)
		dispatcher.Define(name, func(*dispatcher.Dispatcher) error { return nil })
		m, err := dispatcher.Start(name, dispatcher.Options{Priority: i})
		if err != nil {
			return err
		}
		all = append(all, m)
	}
	low, high := all[0].Dispatcher(), all[1].Dispatcher()
	done := func(i int) uint64 { return atomic.LoadUint64(&work[i][0]) }
	high.Post(func() { compute(&work[1][0]) })
	for high.Ran() < 10*time.Millisecond {
		time.Sleep(time.Millisecond)
	}
	before := done(1)
	low.Post(func() { compute(&work[0][0]) })
	for until := high.Ran() + 300*time.Millisecond; high.Ran() < until; {
		time.Sleep(time.Millisecond)
	}
	lower, higher := done(0), done(1)-before
	all[1].Stop()
	stopComputing.Store(true)
	if err := all[1].Wait(context.Background()); err != nil {
		return err
	}
	if err := stop(all[:1]); err != nil {
		return err
	}
	fmt.Printf("priority: the lower one did %d beside %d of the higher one, and %d after it\n", lower, higher, done(0)-lower)
	if done(0) == 0 {
		return errors.New("the lower priority never ran")
	}
	if lower > higher/10 && inTurns() {
		return fmt.Errorf("the lower priority did %d beside %d of the higher one", lower, higher)
	}
	return nil
}
