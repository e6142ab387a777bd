package inquiry

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"barreleye/devices/region"
	"barreleye/guest/monitor/requests"
	"barreleye/urpc"
	"barreleye/vmm/hostmem/regiontest"
)

// core is the other end: that of a core's monitor.
type core struct {
	t       *testing.T
	sender  *urpc.Sender
	recv    *urpc.Receiver
	machine requests.Server
}

const life = 3

// pair returns a desk and the core that it asks.
func pair(t *testing.T) (*Desk, *core) {
	t.Helper()
	view, _ := regiontest.New(t, region.Geometry{Cores: 2, RingLines: 64, PoolPages: 64})
	d, err := Open(view, 1, life, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	own, e1 := view.CoreSide(1)
	other, e2 := view.VMMSide(1)
	if err := errors.Join(e1, e2); err != nil {
		t.Fatal(err)
	}
	c := &core{t: t}
	c.sender, c.recv, err = urpc.NewHalves(own, other, urpc.Link{Epoch: region.OwnEpoch(life)})
	if err != nil {
		t.Fatal(err)
	}
	return d, c
}

// take returns the next request.
func (c *core) take() requests.Action {
	for {
		var m urpc.Message
		if err := c.recv.Recv(context.Background(), &m); err != nil {
			c.t.Error(err)
		}
		a, act, err := c.machine.Receive(&m)
		if err != nil {
			c.t.Error(err)
		}
		if act {
			return a
		}
	}
}

// say sends all that there is.
func (c *core) say() {
	for m, ok := c.machine.Next(); ok; m, ok = c.machine.Next() {
		if err := c.sender.Send(context.Background(), &m); err != nil {
			c.t.Error(err)
		}
	}
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // a hang, not a measure
	t.Cleanup(cancel)
	return ctx
}

// TestAnswers: answers of many times the ring's size arrive, of requests at once.
func TestAnswers(t *testing.T) {
	d, c := pair(t)
	want := map[requests.Kind][]byte{}
	for k := requests.Stacks; k <= requests.Mutex; k++ {
		want[k] = bytes.Repeat([]byte{byte(k)}, 10_000*int(k))
	}
	for range 3 {
		var asking sync.WaitGroup
		for k, data := range want {
			asking.Go(func() {
				got, err := d.Ask(limited(t), k, 0)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%v: %d bytes, %v; want %d", k, len(got), err, len(data))
				}
			})
		}
		for range want {
			a := c.take()
			c.machine.Answer(a.ID, want[a.Kind], nil)
		}
		c.say()
		asking.Wait()
	}
}

// TestErrorsOfTheCore arrive as they are.
func TestErrorsOfTheCore(t *testing.T) {
	d, c := pair(t)
	go func() {
		a := c.take()
		c.machine.Answer(a.ID, nil, errors.New("cpu profiling already in use"))
		c.say()
	}()
	if _, err := d.Ask(limited(t), requests.CPU, 1); err == nil || err.Error() != "cpu profiling already in use" {
		t.Error(err)
	}
}

// TestSilentCore: one that takes nothing is given up, however often it is asked, and
// what it says late harms nothing.
func TestSilentCore(t *testing.T) {
	d, c := pair(t)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for range 100 {
		if _, err := d.Ask(over, requests.Stacks, 0); err != ErrSilent {
			t.Fatal(err)
		}
	}
	for range requests.MaxOpen { // those that were asked in earnest, each given up
		a := c.take()
		if b := c.take(); b.ID != a.ID || !b.GiveUp {
			t.Fatalf("%+v, %+v", a, b)
		}
		c.machine.Answer(a.ID, []byte("late"), nil)
	}
	c.say()
	answered := make(chan error)
	go func() {
		for { // until the late ones are taken off the list
			data, err := d.Ask(limited(t), requests.Heap, 0)
			if err != ErrSilent {
				if string(data) != "in time" {
					t.Errorf("%q", data)
				}
				answered <- err
				return
			}
		}
	}()
	c.machine.Answer(c.take().ID, []byte("in time"), nil)
	c.say()
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

// TestDeadCore: what it had answered arrives, all else ends in an error.
func TestDeadCore(t *testing.T) {
	d, c := pair(t)
	type result struct {
		data []byte
		err  error
	}
	results := map[requests.Kind]chan result{requests.Stacks: make(chan result, 1), requests.Heap: make(chan result, 1)}
	for k, ch := range results {
		go func() {
			data, err := d.Ask(limited(t), k, 0)
			ch <- result{data, err}
		}()
	}
	for range results {
		if a := c.take(); a.Kind == requests.Heap {
			c.machine.Answer(a.ID, []byte("heap"), nil)
		}
	}
	c.say()
	d.Close()
	if r := <-results[requests.Heap]; r.err != nil || string(r.data) != "heap" {
		t.Errorf("%q, %v", r.data, r.err)
	}
	if r := <-results[requests.Stacks]; r.err != ErrEnded {
		t.Errorf("%q, %v", r.data, r.err)
	}
	if _, err := d.Ask(limited(t), requests.Heap, 0); err != ErrEnded {
		t.Error(err)
	}
}

// TestCorruptCore: lines that make no sense end all requests of that life.
func TestCorruptCore(t *testing.T) {
	d, c := pair(t)
	go func() {
		c.take()
		m := urpc.Message{Type: 99}
		if err := c.sender.Send(context.Background(), &m); err != nil {
			t.Error(err)
		}
	}()
	for range 2 {
		if _, err := d.Ask(limited(t), requests.Stacks, 0); !errors.Is(err, ErrCorrupt) {
			t.Error(err)
		}
	}
}
