package rpc

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"barreleye/urpc"
	"barreleye/urpc/rpc/inproc"
	"barreleye/urpc/urpctest"
)

// echoLines turns every request on the channel into its answer, line by line,
// until the channel ends: a peer that costs as little as one can.
func echoLines(ch *urpc.Conn, done chan<- struct{}) {
	defer close(done)
	var m urpc.Message
	for ch.Recv(context.Background(), &m) == nil {
		l, _ := parse(&m)
		m.Type = uint16(kindAnswer+l.kind-kindRequest) << kindShift
		if ch.Send(context.Background(), &m) != nil {
			return
		}
	}
}

// BenchmarkSharing compares ways to share a channel among callers on one end: a
// Conn, in which callers take lines for each other, and a goroutine that owns the
// channel and talks to callers through Go channels. "alone" is the bare ring.
func BenchmarkSharing(b *testing.B) {
	for _, callers := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprintf("conn/callers=%d", callers), func(b *testing.B) {
			near, far := urpctest.Rings(b, 256, 0)
			done := make(chan struct{})
			go echoLines(far, done)
			c := must(New(near, Config{}))
			share(b, callers, func() error { return benchCall(c, 16) })
			c.Close()
			<-done
		})
		b.Run(fmt.Sprintf("owner/callers=%d", callers), func(b *testing.B) {
			near, far := urpctest.Rings(b, 256, 0)
			done := make(chan struct{})
			go echoLines(far, done)
			o := newOwner(near, 64)
			go o.run()
			share(b, callers, o.call)
			close(o.requests)
			<-done
		})
	}
	b.Run("alone", func(b *testing.B) {
		near, far := urpctest.Rings(b, 256, 0)
		done := make(chan struct{})
		go echoLines(far, done)
		m := urpc.Message{Len: 24}
		share(b, 1, func() error {
			m.Type = uint16(kindRequest) << kindShift
			near.TrySend(&m)
			return near.Recv(context.Background(), &m)
		})
		near.Close()
		<-done
	})
}

// share does b.N calls, divided among callers, in rounds. The metric is the
// lower quartile of the rounds: a round in which the machine did something else
// says nothing.
func share(b *testing.B, callers int, call func() error) {
	const round = 1000
	var rounds []float64
	b.ReportAllocs()
	for b.Loop() {
		begin := time.Now()
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				for range (round + i) / callers {
					if err := call(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		rounds = append(rounds, float64(time.Since(begin).Nanoseconds())/round)
	}
	slices.Sort(rounds)
	b.ReportMetric(rounds[len(rounds)/4], "ns/call")
}

func benchCall(c *Conn, size int) error {
	k, err := c.Begin(context.Background())
	if err != nil {
		return err
	}
	if _, err = k.Do(context.Background(), echo, k.Buffer()[:size]); err == nil {
		k.End()
	}
	return err
}

// owner is the other way to share a channel: a goroutine has it.
type owner struct {
	ch       *urpc.Conn
	requests chan *owned
	slots    chan uint16
	calls    []*owned
}

// owned is a call, as its caller and the owner see it.
type owned struct {
	m    urpc.Message
	done chan struct{}
}

func newOwner(ch *urpc.Conn, inFlight int) *owner {
	o := &owner{ch, make(chan *owned, inFlight), make(chan uint16, inFlight), make([]*owned, inFlight)}
	for i := range o.calls {
		o.calls[i] = &owned{done: make(chan struct{}, 1)}
		o.slots <- uint16(i)
	}
	return o
}

func (o *owner) call() error {
	slot := <-o.slots
	k := o.calls[slot]
	putLine(&k.m, kindRequest, echo, makeID(slot, 0), 16, make([]byte, 16))
	o.requests <- k
	<-k.done
	o.slots <- slot
	return nil
}

func (o *owner) run() {
	var m urpc.Message
	waiting := 0
	for {
		if waiting == 0 { // nothing can come
			k, ok := <-o.requests
			if !ok {
				o.ch.Close()
				return
			}
			o.ch.TrySend(&k.m)
			waiting++
		}
		select {
		case k := <-o.requests:
			o.ch.TrySend(&k.m)
			waiting++
			continue
		default:
		}
		if o.ch.Receiver.TryRecv(&m) == nil {
			l, _ := parse(&m)
			o.calls[l.id.slot()].done <- struct{}{}
			waiting--
			continue
		}
		urpc.Pause()
	}
}

// BenchmarkCall measures calls between two ends of this process.
func BenchmarkCall(b *testing.B) {
	for _, size := range []int{16, 48, 256, 4096, 65536} {
		for name, ends := range map[string]func() (Channel, Channel){
			"rings":  func() (Channel, Channel) { return urpctest.Rings(b, 1024, 0) },
			"inproc": func() (Channel, Channel) { return inproc.Pair(inproc.Options{}) },
		} {
			b.Run(fmt.Sprintf("%s/bytes=%d", name, size), func(b *testing.B) {
				x, y := ends()
				near, _ := serveWith(b, x, y, Config{}, Config{Services: []Service{newTester()}})
				benchSize(b, near, size)
			})
		}
		b.Run(fmt.Sprintf("rings, both ends serve/bytes=%d", size), func(b *testing.B) {
			x, y := urpctest.Rings(b, 1024, 0)
			near, _ := serve(b, x, y, Config{})
			benchSize(b, near, size)
		})
		b.Run(fmt.Sprintf("local/bytes=%d", size), func(b *testing.B) {
			benchSize(b, must(Local(Config{Services: []Service{newTester()}})), size)
		})
	}
}

func benchSize(b *testing.B, c *Conn, size int) {
	args := make([]byte, size)
	ctx := context.Background()
	share(b, 1, func() error {
		k, err := c.Begin(ctx)
		if err != nil {
			return err
		}
		if _, err := k.Do(ctx, echo, append(k.Buffer(), args...)); err != nil {
			return err
		}
		k.End()
		return nil
	})
}
