package rpc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"barreleye/urpc"
	"barreleye/urpc/rpc/inproc"
	"barreleye/urpc/seedtest"
)

// raw is a line as a peer may send it.
func raw(k kind, method uint16, i id, n, part int) urpc.Message {
	var m urpc.Message
	putLine(&m, k, method, i, n, make([]byte, part))
	return m
}

// TestHostilePeer: each of these lines, alone or after correct ones, ends the
// channel with ErrCorrupt, and whoever waits returns. The Conn has one call under
// way, in slot 0, and serves a concurrent method in the peer's slot 0.
func TestHostilePeer(t *testing.T) {
	for name, lines := range map[string][]urpc.Message{
		"no kind":                      {raw(0, 0, 0, 0, 0)},
		"unknown kind":                 {raw(kindEnd, 0, 0, 0, 0)},
		"no first word":                {{Type: uint16(kindRequest) << kindShift, Len: 7}},
		"slot out of range":            {raw(kindRequest, echo, makeID(4, 0), 0, 0)},
		"answer to nothing":            {raw(kindAnswer, 0, makeID(1, 0), 0, 0)},
		"answer to another use":        {raw(kindAnswer, 0, makeID(0, 1), 0, 0)},
		"answer with a method":         {raw(kindAnswer, 1, 0, 0, 0)},
		"answer too long":              {raw(kindAnswerBegin, 0, 0, 1001, 48)},
		"answer shorter than a line":   {raw(kindAnswerBegin, 0, 0, 48, 48)},
		"answer with a wrong size":     {raw(kindAnswer, 0, 0, 9, 8)},
		"answer of a short line":       {raw(kindAnswerBegin, 0, 0, 100, 40)},
		"answer without beginning":     {raw(kindAnswerMore, 0, 0, 0, 48)},
		"answer begun twice":           {raw(kindAnswerBegin, 0, 0, 100, 48), raw(kindAnswerBegin, 0, 0, 100, 48)},
		"answer with a gap":            {raw(kindAnswerBegin, 0, 0, 200, 48), raw(kindAnswerMore, 0, 0, 96, 48)},
		"answer part too short":        {raw(kindAnswerBegin, 0, 0, 200, 48), raw(kindAnswerMore, 0, 0, 48, 47)},
		"answer part too long":         {raw(kindAnswerBegin, 0, 0, 90, 48), raw(kindAnswerMore, 0, 0, 48, 48)},
		"two answers":                  {raw(kindAnswer, 0, 0, 0, 0), raw(kindAnswer, 0, 0, 0, 0)},
		"request in a used slot":       {raw(kindRequest, echo, makeID(0, 1), 0, 0)},
		"request without beginning":    {raw(kindRequestMore, 0, makeID(1, 0), 0, 48)},
		"request too long":             {raw(kindRequestBegin, echo, makeID(1, 0), 1<<32-1, 48)},
		"part of another request":      {raw(kindRequestBegin, echo, makeID(1, 0), 100, 48), raw(kindRequestMore, 0, makeID(1, 1), 48, 48)},
		"part after the end":           {raw(kindRequestBegin, echo, makeID(1, 0), 96, 48), raw(kindRequestMore, 0, makeID(1, 0), 48, 48), raw(kindRequestMore, 0, makeID(1, 0), 96, 0)},
		"part after a cancellation":    {raw(kindRequestBegin, echo, makeID(1, 0), 100, 48), raw(kindCancel, 0, makeID(1, 0), 2, 0), raw(kindRequestMore, 0, makeID(1, 0), 48, 48)},
		"cancellation of nothing":      {raw(kindCancel, 0, makeID(1, 7), 2, 0)},
		"cancellation without reason":  {raw(kindCancel, 0, 0, 9, 0)},
		"cancellation of a method":     {raw(kindCancel, 1, 0, 2, 0)},
		"cancellation with a body":     {raw(kindCancel, 0, 0, 2, 8)},
		"failure without a code":       nil, // an error of the call alone; below
		"request to the same slot 2 x": {raw(kindRequest, echo, makeID(2, 0), 0, 0), raw(kindRequest, echo, makeID(2, 0), 0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := inproc.Pair(inproc.Options{})
			s := newTester()
			c := must(New(a, Config{InFlight: 4, MaxBytes: 1000, Services: []Service{s}}))
			ctx := within(t)
			served := make(chan error, 1)
			occupied := raw(kindRequest, wait, 0, 8, 8)
			if err := b.TrySend(&occupied); err != nil {
				t.Fatal(err)
			}
			called := make(chan error, 1)
			go func() {
				_, err := call(ctx, c, echo, nil)
				called <- err
			}()
			var m urpc.Message
			for b.TryRecv(&m) != nil { // the call is under way
				p, ready := b.Arm()
				if !ready && p.Sleep(ctx) != nil {
					t.Fatal("no call came")
				}
			}
			if lines == nil {
				line := raw(kindFailure, 0, 0, 3, 3)
				b.TrySend(&line)
				if err := <-called; !errors.Is(err, ErrDecode) {
					t.Errorf("call: %v", err)
				}
				c.Close()
				return
			}
			// All at once: nothing is answered in between, so that slots stay in use.
			c.mu.Lock()
			for i := range lines {
				if err := b.TrySend(&lines[i]); err != nil {
					t.Fatal(err)
				}
			}
			c.mu.Unlock()
			<-c.Done()
			go func() { served <- c.Serve(ctx) }()
			if err := c.Err(); !errors.Is(err, urpc.ErrCorrupt) {
				t.Errorf("ended with %v", err)
			}
			if err := <-called; !errors.Is(err, urpc.ErrCorrupt) && !strings.HasPrefix(name, "two answers") {
				t.Errorf("call: %v", err)
			}
			if err := <-served; !errors.Is(err, urpc.ErrCorrupt) {
				t.Errorf("Serve: %v", err)
			}
			if _, err := call(ctx, c, echo, nil); !errors.Is(err, urpc.ErrCorrupt) {
				t.Errorf("next call: %v", err)
			}
		})
	}
}

// TestNoServices: an end that serves nothing takes no requests.
func TestNoServices(t *testing.T) {
	a, b := inproc.Pair(inproc.Options{})
	near, far := must(New(a, Config{})), must(New(b, Config{}))
	ctx := within(t)
	errs := make(chan error)
	go func() {
		_, err := call(ctx, near, echo, nil)
		errs <- err
	}()
	if _, err := call(ctx, far, echo, nil); !errors.Is(err, urpc.ErrCorrupt) && err != urpc.ErrClosed {
		t.Error(err)
	}
	if err := <-errs; !errors.Is(err, urpc.ErrCorrupt) && err != urpc.ErrClosed {
		t.Error(err)
	}
}

// TestDeath: an end dies after each number of lines, also in the middle of a
// message, and with delays. Callers that wait return with ErrClosed, those that
// were answered have their answers, and what the service saw it saw whole.
func TestDeath(t *testing.T) {
	for who := range 2 {
		for after := 1; after < 40; after++ {
			t.Run(fmt.Sprintf("end %d after %d lines", who, after), func(t *testing.T) {
				seed := seedtest.Seed(t)
				synctest.Test(t, func(t *testing.T) {
					o := inproc.Options{Lines: 8, Seed: seed, MaxDelay: time.Millisecond}
					o.DieAfter[who] = after
					failed := runToDeath(t, o)
					if failed == 0 {
						t.Error("nothing failed")
					}
				})
			})
		}
	}
}

// runToDeath has callers call until the channel ends, and returns how many calls
// failed.
func runToDeath(t *testing.T, o inproc.Options) (failed int) {
	a, b := inproc.Pair(o)
	near, far := serve(t, a, b, Config{InFlight: 3, MaxBytes: 1000})
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range uint64(4) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(o.Seed, i))
			for {
				body := make([]byte, r.IntN(300))
				got, err := call(t.Context(), near, echo, body)
				mu.Lock()
				if err != nil {
					failed++
				}
				mu.Unlock()
				if err != nil {
					if err != urpc.ErrClosed {
						t.Errorf("caller %d: %v", i, err)
					}
					return
				}
				if len(got) != len(body) {
					t.Errorf("caller %d: %d of %d bytes", i, len(got), len(body))
				}
			}
		})
	}
	all.Wait()
	near.Close()
	far.Close()
	return failed
}

// TestReplay: a seed replays a run with one caller, to the nanosecond.
func TestReplay(t *testing.T) {
	replay := func(seed uint64) (times []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			a, b := inproc.Pair(inproc.Options{Seed: seed, MaxDelay: time.Second, DieAfter: [2]int{1: 100}})
			near, far := serve(t, a, b, Config{})
			begin := time.Now()
			for {
				_, err := call(context.Background(), near, echo, make([]byte, 200))
				times = append(times, time.Since(begin))
				if err != nil {
					break
				}
			}
			near.Close()
			far.Close()
		})
		return times
	}
	x, y, other := replay(1), replay(1), replay(2)
	if !reflect.DeepEqual(x, y) || len(x) < 10 || reflect.DeepEqual(x, other) {
		t.Errorf("the same seed: %v and %v; another: %v", x, y, other)
	}
}
