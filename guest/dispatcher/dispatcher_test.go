package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"barreleye/urpc"
	"barreleye/urpc/rpc/inproc"
)

var names atomic.Int64

// begun starts a domain of a name of its own.
func begun(t *testing.T, p Program) *Domain {
	t.Helper()
	name := fmt.Sprintf("%.16s-%d", t.Name(), names.Add(1))
	Define(name, p)
	m, err := Start(name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Stop(); ended(t, m) })
	return m
}

// ended waits for a domain's end and returns what for.
func ended(t *testing.T, m *Domain) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	if t.Context().Err() != nil { // in a cleanup
		ctx, cancel = context.WithTimeout(context.Background(), time.Minute)
	}
	defer cancel()
	err := m.Wait(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatal("the domain does not end")
	}
	return err
}

// entry returns a domain's entry.
func entry(t *testing.T, m *Domain, name string) *Entry {
	t.Helper()
	e, err := m.Entry(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func sum(m Message) Message {
	return Message{W0: m.W0 + m.W1 + m.W2 + m.W3, W3: ^uint64(0)}
}

func TestCalls(t *testing.T) {
	m := begun(t, func(d *Dispatcher) error {
		d.HandleMigrating("sum", sum)
		d.Handle("upcall", sum)
		return nil
	})
	in, want := Message{W0: 1, W1: 2, W2: 3, W3: 4}, Message{W0: 10, W3: ^uint64(0)}
	for _, name := range []string{"sum", "upcall"} {
		if got, err := entry(t, m, name).HandOver(in); err != nil || got != want {
			t.Errorf("%s handed over: %v, %v, want %v", name, got, err, want)
		}
	}
	if got, err := entry(t, m, "sum").Migrate(in); err != nil || got != want {
		t.Errorf("migrated: %v, %v, want %v", got, err, want)
	}
	if _, err := entry(t, m, "upcall").Migrate(in); !errors.Is(err, ErrEntry) {
		t.Errorf("migrated into an entry that is not for it: %v", err)
	}
	if _, err := m.Entry("none"); !errors.Is(err, ErrEntry) {
		t.Errorf("an entry that is not there: %v", err)
	}
	e := entry(t, m, "sum")
	m.Stop()
	if err := ended(t, m); err != nil {
		t.Errorf("a stopped domain ended with %v", err)
	}
	if _, err := e.HandOver(in); !errors.Is(err, ErrEnded) {
		t.Errorf("handed over to an ended dispatcher: %v", err)
	}
	if _, err := e.Migrate(in); !errors.Is(err, ErrEnded) {
		t.Errorf("migrated into an ended dispatcher: %v", err)
	}
}

func TestCallsAllocateNothing(t *testing.T) {
	m := begun(t, func(d *Dispatcher) error {
		d.HandleMigrating("sum", sum)
		return nil
	})
	e := entry(t, m, "sum")
	for name, call := range map[string]func(Message) (Message, error){"HandOver": e.HandOver, "Migrate": e.Migrate} {
		if n := testing.AllocsPerRun(100, func() { call(Message{W0: 1}) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestOneAtATime: handlers, posts and timers of a dispatcher exclude each other.
func TestOneAtATime(t *testing.T) {
	inside, count := 0, 0 // without locks: the race detector looks
	work := func() {
		if inside++; inside != 1 {
			t.Error("two upcalls at a time")
		}
		runtime.Gosched()
		count++
		inside--
	}
	m := begun(t, func(d *Dispatcher) error {
		d.Handle("work", func(m Message) Message { work(); return m })
		for range 100 {
			d.After(time.Microsecond, work)
		}
		return nil
	})
	e := entry(t, m, "work")
	const callers, calls = 8, 100
	done := make(chan error, callers)
	for range callers {
		go func() {
			for range calls {
				if _, err := e.HandOver(Message{}); err != nil {
					done <- err
					return
				}
				m.Dispatcher().Post(work)
			}
			done <- nil
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	last := make(chan int)
	m.Dispatcher().Post(func() { m.Dispatcher().After(time.Millisecond, func() { last <- count }) })
	if got, want := <-last, 2*callers*calls+100; got != want {
		t.Errorf("%d upcalls, want %d", got, want)
	}
}

func TestTimers(t *testing.T) {
	order := make(chan []int, 1)
	begun(t, func(d *Dispatcher) error {
		var got []int
		for set := time.Duration(time.Hour); set >= time.Millisecond; { // else the host stood still between two of them
			var all []*Timer
			begin := time.Now()
			for _, i := range []int{3, 1, 2} {
				all = append(all, d.After(time.Duration(i)*time.Millisecond, func() { got = append(got, i) }))
			}
			if set = time.Since(begin); set >= time.Millisecond {
				for _, timer := range all {
					timer.Stop()
				}
			}
		}
		stopped := d.After(0, func() { got = append(got, -1) })
		if !stopped.Stop() || stopped.Stop() {
			t.Error("a timer is not stopped once")
		}
		d.After(10*time.Millisecond, func() { order <- got })
		return nil
	})
	if got := <-order; !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("timers ran in the order %v", got)
	}
}

func TestDeadlock(t *testing.T) {
	var a, b *Domain
	back := make(chan error, 1)
	a = begun(t, func(d *Dispatcher) error {
		d.Handle("b", func(m Message) Message {
			e, _ := b.Entry("a")
			if _, err := e.HandOver(m); err != nil {
				t.Errorf("a calls b: %v", err)
			}
			return m
		})
		return nil
	})
	b = begun(t, func(d *Dispatcher) error {
		d.Handle("a", func(m Message) Message {
			e, _ := a.Entry("b")
			_, err := e.HandOver(m)
			back <- err
			return m
		})
		return nil
	})
	if _, err := entry(t, a, "b").HandOver(Message{}); err != nil {
		t.Error(err)
	}
	if err := <-back; !errors.Is(err, ErrDeadlock) {
		t.Errorf("b calls a, which waits for b: %v, want %v", err, ErrDeadlock)
	}
}

func crash(m Message) Message {
	var p *Message
	return *p
}

func TestFaultEndsTheDomain(t *testing.T) {
	for name, call := range map[string]func(*Entry, Message) (Message, error){"HandOver": (*Entry).HandOver, "Migrate": (*Entry).Migrate} {
		m := begun(t, func(d *Dispatcher) error {
			d.HandleMigrating("crash", crash)
			return nil
		})
		if _, err := call(entry(t, m, "crash"), Message{}); !errors.Is(err, ErrFault) {
			t.Errorf("%s: %v, want %v", name, err, ErrFault)
		}
		err := ended(t, m)
		var f *Fault
		if !errors.As(err, &f) || !errors.Is(err, ErrFault) || !strings.Contains(err.Error(), "nil pointer") || !strings.Contains(string(f.Stack), "crash") {
			t.Errorf("%s: the domain ended with %v", name, err)
		}
		if _, err := Lookup(m.Name()); !errors.Is(err, ErrDomain) {
			t.Errorf("%s: the ended domain is found: %v", name, err)
		}
	}
}

func TestFaultUpcall(t *testing.T) {
	faults := make(chan *Fault, 10)
	var d *Dispatcher
	m := begun(t, func(own *Dispatcher) error {
		d = own
		d.Handle("crash", crash)
		d.Handle("sum", sum)
		d.OnFault(func(f *Fault) bool {
			faults <- f
			return f.Value != "the end"
		})
		return nil
	})
	if _, err := entry(t, m, "crash").HandOver(Message{}); !errors.Is(err, ErrFault) {
		t.Errorf("%v, want %v", err, ErrFault)
	}
	d.Post(func() { panic("posted") })
	d.Post(func() { d.After(0, func() { panic("timed") }) })
	d.Go(func() { panic("beside") })
	seen := map[any]bool{}
	for range 4 {
		seen[(<-faults).Value] = true
	}
	if !seen["posted"] || !seen["timed"] || !seen["beside"] {
		t.Errorf("faults %v", seen)
	}
	if got, err := entry(t, m, "sum").HandOver(Message{W0: 1}); err != nil || got.W0 != 1 {
		t.Errorf("after the faults: %v, %v", got, err)
	}
	d.Post(func() { panic("the end") })
	if err := ended(t, m); err == nil || !strings.Contains(err.Error(), "the end") {
		t.Errorf("ended with %v", err)
	}
}

// TestEndWhileCalled: whoever waits for a dispatcher that ends hears so.
func TestEndWhileCalled(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	m := begun(t, func(d *Dispatcher) error {
		d.Handle("die", func(Message) Message {
			entered <- true
			<-leave
			runtime.Goexit()
			return Message{}
		})
		return nil
	})
	e := entry(t, m, "die")
	const callers = 5
	errs := make(chan error, callers)
	for range callers {
		go func() {
			_, err := e.HandOver(Message{})
			errs <- err
		}()
	}
	<-entered
	leave <- true
	for range callers {
		if err := <-errs; !errors.Is(err, ErrEnded) {
			t.Errorf("%v, want %v", err, ErrEnded)
		}
	}
}

func TestAttach(t *testing.T) {
	a, b := inproc.Pair(inproc.Options{Lines: 16})
	got := make(chan uint64, 1000)
	gone := make(chan error, 1)
	begun(t, func(d *Dispatcher) error {
		return d.Attach(b, func(m *urpc.Message) { got <- m.Words[0] }, func(err error) { gone <- err })
	})
	for i := range uint64(500) {
		m := urpc.Message{Type: 1, Len: 8, Words: [7]uint64{i}}
		for {
			err := a.TrySend(&m)
			if err == nil {
				break
			}
			if err != urpc.ErrFull {
				t.Fatal(err)
			}
			runtime.Gosched()
		}
	}
	for i := range uint64(500) {
		if m := <-got; m != i {
			t.Fatalf("message %d where %d was due", m, i)
		}
	}
	a.Close()
	if err := <-gone; !errors.Is(err, urpc.ErrClosed) {
		t.Errorf("the channel ended with %v", err)
	}
}

func TestStartErrors(t *testing.T) {
	if _, err := Start("undefined", Options{}); !errors.Is(err, ErrDomain) {
		t.Error(err)
	}
	m := begun(t, func(*Dispatcher) error { return nil })
	if _, err := Start(m.Name(), Options{}); !errors.Is(err, ErrRunning) {
		t.Error(err)
	}
	for _, o := range []Options{{Share: -1}, {Share: MaxShare + 1}, {Priority: -1}, {Priority: MaxPriority + 1}} {
		if _, err := Start(m.Name(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
		if err := m.SetOptions(o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	Define("fails", func(*Dispatcher) error { return errors.ErrUnsupported })
	if _, err := Start("fails", Options{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	if _, err := Start("fails", Options{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("once more: %v", err) // it does not run
	}
}

func TestNice(t *testing.T) {
	for _, c := range []struct{ share, top, base, want int }{{100, 100, 0, 0}, {100, 300, 0, 5}, {50, 100, 0, 3}, {1, 10_000, 0, maxNice}, {100, 300, 5, 10}, {100, 300, 16, maxNice}} {
		if got := niceOf(c.share, c.top, c.base); got != c.want {
			t.Errorf("share %d of at most %d: nice %d, want %d", c.share, c.top, got, c.want)
		}
	}
}
