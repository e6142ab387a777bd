package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"barreleye/urpc"
	"barreleye/urpc/rpc/inproc"
	"barreleye/urpc/seedtest"
	"barreleye/urpc/urpctest"
)

// transports are the channels on which everything must work.
var transports = map[string]func(tb testing.TB, lines int) (a, b Channel){
	"rings": func(tb testing.TB, lines int) (a, b Channel) { return urpctest.Rings(tb, lines, 200) },
	"rings without polls": func(tb testing.TB, lines int) (a, b Channel) {
		return urpctest.Rings(tb, lines, -1)
	},
	"inproc": func(tb testing.TB, lines int) (a, b Channel) { return inproc.Pair(inproc.Options{Lines: lines}) },
	"inproc with delays": func(tb testing.TB, lines int) (a, b Channel) {
		return inproc.Pair(inproc.Options{Lines: lines, Seed: 1, MaxDelay: 20 * time.Microsecond})
	},
}

func onTransports(t *testing.T, lines int, f func(t *testing.T, a, b Channel)) {
	for name, make := range transports {
		t.Run(name, func(t *testing.T) {
			a, b := make(t, lines)
			f(t, a, b)
		})
	}
}

func TestCall(t *testing.T) {
	onTransports(t, 16, func(t *testing.T, a, b Channel) {
		ctx := within(t)
		near, far := serve(t, a, b, Config{})
		for i := range uint64(100) {
			for _, c := range []*Conn{near, far} {
				if b, err := call(ctx, c, add, number(i, 5)); err != nil || !bytes.Equal(b, number(i+5)) {
					t.Fatalf("%d+5 = %v, %v", i, b, err)
				}
			}
		}
	})
}

// TestSizes sends bodies of every length around the ends of lines, through a ring
// that is much shorter, both ways at once.
func TestSizes(t *testing.T) {
	onTransports(t, 16, func(t *testing.T, a, b Channel) {
		ctx := within(t)
		near, far := serve(t, a, b, Config{MaxBytes: 4000})
		var sizes []int
		for _, n := range []int{0, 48, 96, 480, 4000} {
			for d := -2; d <= 2; d++ {
				if n+d >= 0 && n+d <= 4000 {
					sizes = append(sizes, n+d)
				}
			}
		}
		var all sync.WaitGroup
		for seed, c := range []*Conn{near, far, near, far} {
			all.Go(func() {
				r := rand.New(rand.NewPCG(1, uint64(seed)))
				for _, n := range sizes {
					body := make([]byte, n)
					for i := range body {
						body[i] = byte(r.Uint32())
					}
					for _, m := range []uint16{echo, worker} {
						if got, err := call(ctx, c, m, body); err != nil || !bytes.Equal(got, body) {
							t.Errorf("%d bytes: %d back, %v", n, len(got), err)
							return
						}
					}
				}
			})
		}
		all.Wait()
		if _, err := call(ctx, near, echo, make([]byte, 4001)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("4001 bytes of arguments: %v", err)
		}
		var e *Error
		if _, err := call(ctx, near, large, number(4001)); !errors.Is(err, ErrTooLarge) || !errors.As(err, &e) || e.Code != CodeTooLarge {
			t.Errorf("4001 bytes of results: %v", err)
		}
	})
}

// TestErrors: code and text cross.
func TestErrors(t *testing.T) {
	onTransports(t, 16, func(t *testing.T, a, b Channel) {
		testErrors(t, first(serve(t, a, b, Config{})))
	})
	t.Run("local", func(t *testing.T) {
		testErrors(t, must(Local(Config{Services: []Service{newTester()}})))
	})
}

func first[T any](v, _ T) T { return v }

func testErrors(t *testing.T, c *Conn) {
	ctx := within(t)
	_, err := call(ctx, c, fail, nil)
	if !errors.Is(err, errTest) || err.Error() != "in method: the test's own" {
		t.Errorf("own error: %v", err)
	}
	text := strings.Repeat("0123456789", 200)
	_, err = call(ctx, c, fail, []byte(text))
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeUnknown || e.Text != text[:MaxText] || errors.Is(err, errTest) {
		t.Errorf("long text: %v", err)
	}
	if _, err = call(ctx, c, add, nil); !errors.Is(err, ErrDecode) {
		t.Errorf("malformed arguments: %v", err)
	}
	if _, err = call(ctx, c, 99, nil); !errors.As(err, &e) || e.Code != CodeNoMethod {
		t.Errorf("no method: %v", err)
	}
	if b, err := call(ctx, c, echo, []byte("still there")); err != nil || string(b) != "still there" {
		t.Errorf("after errors: %q, %v", b, err)
	}
}

// TestOutOfOrder: concurrent methods are answered when they are done.
func TestOutOfOrder(t *testing.T) {
	onTransports(t, 16, func(t *testing.T, a, b Channel) {
		ctx := within(t)
		s := newTester()
		near, _ := serveWith(t, a, b, Config{}, Config{Services: []Service{s}})
		const n = 10
		answers := make(chan error, n)
		for i := range uint64(n) {
			go func() {
				_, err := call(ctx, near, wait, number(i))
				answers <- err
			}()
		}
		for range n {
			<-s.started
		}
		// All are under way, and calls made later are answered before.
		if _, err := call(ctx, near, add, number(1, 2)); err != nil {
			t.Fatal(err)
		}
		if len(answers) != 0 {
			t.Error("answered before its release")
		}
		for range n {
			s.release <- 1
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestCancel: the server's context ends for the caller's reason, and the late
// answer reaches nobody.
func TestCancel(t *testing.T) {
	onTransports(t, 16, func(t *testing.T, a, b Channel) {
		ctx := within(t)
		s := newTester()
		near, _ := serveWith(t, a, b, Config{InFlight: 2}, Config{InFlight: 2, Services: []Service{s}})
		for i := range uint64(20) {
			short, cancel := context.WithCancelCause(ctx)
			want := context.Canceled
			if i%2 == 1 {
				var stop context.CancelFunc
				short, stop = context.WithTimeout(ctx, time.Millisecond)
				defer stop()
				want = context.DeadlineExceeded
			} else {
				go func() {
					<-s.started
					s.started <- 0
					cancel(nil)
				}()
			}
			if _, err := call(short, near, wait, number(i)); !errors.Is(err, want) {
				t.Fatalf("call %d: %v, want %v", i, err, want)
			}
			cancel(nil)
			if i%2 == 0 || len(s.started) > 0 {
				<-s.started
				if err := <-s.finished; err != want {
					t.Fatalf("call %d: at the server %v, want %v", i, err, want)
				}
			}
			if b, err := call(ctx, near, add, number(i, i)); err != nil || !bytes.Equal(b, number(2*i)) {
				t.Fatalf("after call %d: %v, %v", i, b, err)
			}
			for len(s.started) > 0 {
				<-s.started
				<-s.finished
			}
		}
	})
}

// TestLateAnswer: a method that ignores its context answers a call that was given
// up. Its slot is not given away before, and the answer is dropped.
func TestLateAnswer(t *testing.T) {
	onTransports(t, 16, func(t *testing.T, a, b Channel) {
		ctx := within(t)
		s := &stubborn{started: make(chan bool, 1), release: make(chan bool)}
		cfg := Config{InFlight: 1}
		near, _ := serveWith(t, a, b, cfg, Config{InFlight: 1, Services: []Service{s}})
		for range 5 {
			short, cancel := context.WithCancel(ctx)
			go func() { <-s.started; cancel() }()
			if _, err := call(short, near, 0, nil); err != context.Canceled {
				t.Fatal(err)
			}
			next := make(chan error)
			go func() {
				b, err := call(ctx, near, 1, nil)
				if err == nil && string(b) != "right" {
					err = fmt.Errorf("another call's answer: %q", b)
				}
				next <- err
			}()
			s.release <- true
			if err := <-next; err != nil {
				t.Fatal(err)
			}
		}
	})
}

// stubborn does not listen to its context.
type stubborn struct{ started, release chan bool }

func (*stubborn) Methods() []Method { return []Method{{"late", 0, true}, {"next", 1, false}} }

func (s *stubborn) Serve(_ context.Context, method uint16, _, out []byte) ([]byte, error) {
	if method == 1 {
		return append(out, "right"...), nil
	}
	s.started <- true
	<-s.release
	return append(out, bytes.Repeat([]byte("late"), 100)...), nil
}

// TestManyCallers: every caller gets its own answers, however few slots and lines
// there are, while calls of all sizes are given up all the time.
func TestManyCallers(t *testing.T) {
	for name, make := range transports {
		for _, inFlight := range []int{1, 3, 64} {
			t.Run(fmt.Sprintf("%s/%d", name, inFlight), func(t *testing.T) {
				seed := seedtest.Seed(t)
				a, b := make(t, 16)
				near, far := serve(t, a, b, Config{InFlight: inFlight, MaxBytes: 2000})
				ctx := within(t)
				var all sync.WaitGroup
				for i := range uint64(8) {
					all.Go(func() {
						c := near
						if i%2 == 1 {
							c = far
						}
						if err := callAtRandom(ctx, c, rand.New(rand.NewPCG(seed, i))); err != nil {
							t.Errorf("caller %d: %v", i, err)
						}
					})
				}
				all.Wait()
			})
		}
	}
}

func callAtRandom(ctx context.Context, c *Conn, r *rand.Rand) error {
	for i := range 100 {
		body := bytes.Repeat(number(r.Uint64()), r.IntN(4))
		if r.IntN(8) == 0 {
			body = bytes.Repeat(number(r.Uint64()), r.IntN(250))
		}
		short, cancel := ctx, context.CancelFunc(func() {})
		if r.IntN(4) == 0 {
			short, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(100))*time.Microsecond)
		}
		got, err := call(short, c, []uint16{echo, worker}[r.IntN(2)], body)
		gaveUp := short != ctx && errors.Is(err, context.DeadlineExceeded)
		cancel()
		if !gaveUp && (err != nil || !bytes.Equal(got, body)) {
			return fmt.Errorf("call %d with %d bytes: %d back, %v", i, len(body), len(got), err)
		}
		if r.IntN(4) == 0 {
			runtime.Gosched()
		}
	}
	return nil
}

// TestClose: whoever waits returns, on both sides, for whatever it waits.
func TestClose(t *testing.T) {
	for _, own := range []bool{true, false} {
		onTransports(t, 16, func(t *testing.T, a, b Channel) {
			ctx := within(t)
			s := newTester()
			near, far := must(New(a, Config{InFlight: 2})), must(New(b, Config{InFlight: 2, Services: []Service{s}}))
			served := make(chan error, 1)
			go func() { served <- far.Serve(ctx) }()
			errs := make(chan error, 5)
			for range 5 { // three of them for a slot
				go func() {
					_, err := call(ctx, near, wait, number(1))
					errs <- err
				}()
			}
			<-s.started
			<-s.started
			if own {
				near.Close()
			} else {
				far.Close()
			}
			for range 5 {
				if err := <-errs; err != urpc.ErrClosed {
					t.Errorf("call: %v", err)
				}
			}
			if err := <-served; err != urpc.ErrClosed {
				t.Errorf("Serve: %v", err)
			}
			for range 2 {
				if err := <-s.finished; err != context.Canceled {
					t.Errorf("the method's context: %v", err)
				}
			}
			<-near.Done()
			<-far.Done()
			if near.Err() != urpc.ErrClosed || far.Err() != urpc.ErrClosed {
				t.Errorf("ended with %v and %v", near.Err(), far.Err())
			}
		})
	}
}

// TestServeEnds: the context of Serve ends it, and the methods that run; the Conn
// can be served again.
func TestServeEnds(t *testing.T) {
	a, b := inproc.Pair(inproc.Options{})
	s := newTester()
	near, far := must(New(a, Config{})), must(New(b, Config{Services: []Service{s}}))
	defer near.Close()
	ctx := within(t)
	short, cancel := context.WithCancel(ctx)
	answered := make(chan error)
	go func() {
		_, err := call(ctx, near, wait, number(1))
		answered <- err
	}()
	go func() { <-s.started; cancel() }()
	if err := far.Serve(short); err != context.Canceled {
		t.Errorf("Serve: %v", err)
	}
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Errorf("call: %v", err)
	}
	go far.Serve(ctx)
	if _, err := call(ctx, near, add, number(1, 1)); err != nil {
		t.Error(err)
	}
	if err := near.Serve(ctx); !errors.Is(err, ErrConfig) {
		t.Errorf("Serve of nothing: %v", err)
	}
}

func TestConfig(t *testing.T) {
	s := []Service{newTester()}
	for name, cfg := range map[string]Config{
		"too many calls": {InFlight: MaxInFlight + 1},
		"negative":       {InFlight: -1},
		"short messages": {MaxBytes: 10},
		"long messages":  {MaxBytes: MaxMaxBytes + 1},
		"twice":          {Services: append(s, s...)},
	} {
		if _, err := New(nil, cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAllocations: none in the steady state, for methods served in place, whoever
// waits however; and none for deadlines.
func TestAllocations(t *testing.T) {
	deadline := within(t)
	for name, make := range map[string]func() (a, b Channel){
		"polling": func() (a, b Channel) { return urpctest.Rings(t, 64, 1000) },
		"parking": func() (a, b Channel) { return urpctest.Rings(t, 64, -1) },
	} {
		a, b := make()
		near, _ := serve(t, a, b, Config{})
		for _, size := range []int{16, 48, 1000} {
			for _, ctx := range []context.Context{context.Background(), deadline} {
				args := bytes.Repeat([]byte{1}, size)
				n := testing.AllocsPerRun(200, func() {
					k, err := near.Begin(ctx)
					if err == nil {
						_, err = k.Do(ctx, echo, append(k.Buffer(), args...))
					}
					if err != nil {
						t.Fatal(err)
					}
					k.End()
				})
				if n != 0 {
					t.Errorf("%s: %v allocations per call of %d bytes", name, n, size)
				}
			}
		}
	}
}

// TestDeadlineInFlood: a peer that always sends keeps no caller from its deadline.
func TestDeadlineInFlood(t *testing.T) {
	c := must(New(&flood{}, Config{MaxBytes: MaxMaxBytes, Services: []Service{newTester()}}))
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	returned := make(chan error, 1)
	go func() {
		_, err := call(ctx, c, echo, nil)
		returned <- err
	}()
	select {
	case err := <-returned:
		if err != context.DeadlineExceeded {
			t.Error(err)
		}
		c.Close()
	case <-time.After(time.Minute):
		t.Error("the caller still takes lines")
	}
}

// flood is a channel that always has a line, of one long request.
type flood struct {
	scripted
	at int
}

func (f *flood) Polls() int { return 1000 }

func (f *flood) TryRecv(m *urpc.Message) error {
	k := kindRequestMore
	n := f.at
	if n == 0 {
		k, n = kindRequestBegin, MaxMaxBytes
	}
	*m = raw(k, 0, 0, n, lineBytes)
	f.at += lineBytes
	return nil
}
