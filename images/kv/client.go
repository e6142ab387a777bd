package main

import (
	"context"
	"fmt"
	"time"

	"barreleye/guest"
	"barreleye/images/kv/store"
	"barreleye/images/kv/wire"
	"barreleye/images/kv/workload"
	"barreleye/urpc"
)

// client sends one client's requests to all shards.
type client struct {
	options *options
	model   *workload.Client
	lanes   []*lane
	some    *urpc.Select
	took    *workload.Latencies // nil while nothing is measured
	next    workload.Step       // drawn last
	held    bool                // next is not sent yet: its shard has enough
	waiting int                 // requests under way at all shards
	in      [batch]urpc.Message
}

// lane is what a client knows of one shard: the requests that are under way, in
// their order, which is that of the answers.
type lane struct {
	core  int
	conn  *urpc.Conn
	under []underway // a ring of as many as may be under way
	sent  uint64     // number of the next request, which is its tag
	back  uint64     // number of the next answer
	count [store.Delete + 1]uint64
}

// underway is a request that was sent.
type underway struct {
	step workload.Step
	at   uint64 // TSC when it was about to be sent
}

// makeClient makes client id, whose shards are the cores from first on.
func makeClient(ctx context.Context, o *options, id, first int, shards []*urpc.Conn) *client {
	c := &client{options: o, model: workload.NewClient(o.Config, id), some: urpc.NewSelect(ctx, receivers(shards)...)}
	for i, conn := range shards {
		c.lanes = append(c.lanes, &lane{core: first + i, conn: conn, under: make([]underway, o.inflight)})
	}
	return c
}

func (c *client) run(ctx context.Context) error {
	filled := 0
	fill := func() (s workload.Step, more bool) {
		if filled == c.options.Keys {
			return s, false
		}
		filled++
		return c.model.Fill(filled - 1), true
	}
	if err := c.drive(fill); err != nil {
		return err
	}
	share := c.options.Share(guest.Core(), c.options.clients())
	if err := c.drive(c.steps(max(share/10, 1000))); err != nil {
		return err
	}
	if err := c.meet(ctx); err != nil {
		return err
	}
	c.took = workload.NewLatencies()
	steps := c.steps(share)
	if c.options.For > 0 {
		steps = c.stepsUntil(guest.TSC() + cycles(c.options.For))
	}
	begin := guest.TSC()
	if err := c.drive(steps); err != nil {
		return err
	}
	end := guest.TSC()
	for _, l := range c.lanes {
		if err := l.finish(ctx); err != nil {
			return fmt.Errorf("shard on core %d: %w", l.core, err)
		}
	}
	return c.report(ctx, begin, end)
}

// steps is n more steps of the script.
func (c *client) steps(n int) func() (workload.Step, bool) {
	return func() (s workload.Step, more bool) {
		if n == 0 {
			return s, false
		}
		n--
		return c.model.Next(), true
	}
}

// stepsUntil is the script until a time, of which there is one step at least: who has no
// CPU meanwhile has a result too.
func (c *client) stepsUntil(tsc uint64) func() (workload.Step, bool) {
	begun := false
	return func() (s workload.Step, more bool) {
		if begun && guest.TSC() >= tsc {
			return s, false
		}
		begun = true
		return c.model.Next(), true
	}
}

// cycles converts a duration to TSC cycles.
func cycles(d time.Duration) uint64 {
	const many = 1 << 30
	return uint64(float64(d.Nanoseconds()) * many / guest.Nanoseconds(many))
}

// drive sends all steps, as many at a time as may be under way, and takes all
// answers.
func (c *client) drive(steps func() (workload.Step, bool)) error {
	more := true
	for {
		if more {
			var err error
			if more, err = c.issue(steps); err != nil {
				return err
			}
		}
		if !more && c.waiting == 0 {
			return nil
		}
		n, err := c.collect()
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		if err := c.some.Wait(); err != nil {
			return err
		}
	}
}

// issue sends steps until one's shard has enough, which is then held back: the
// requests of a client go out in the order of its script.
func (c *client) issue(steps func() (workload.Step, bool)) (more bool, err error) {
	for {
		if !c.held {
			if c.next, more = steps(); !more {
				break
			}
			c.held = true
		}
		more = true
		l := c.lanes[store.Shard(c.model.Key(&c.next), len(c.lanes))]
		err := l.send(c.model, &c.next)
		if err == urpc.ErrFull {
			break
		}
		if err != nil {
			return false, fmt.Errorf("shard on core %d: %w", l.core, err)
		}
		c.held = false
		c.waiting++
	}
	for _, l := range c.lanes {
		l.conn.Flush() // nothing if nothing was sent
	}
	return more, nil
}

// send sends a step's request and wakes nobody. It returns urpc.ErrFull while as
// many requests are under way as may be.
func (l *lane) send(model *workload.Client, s *workload.Step) error {
	if l.sent-l.back == uint64(len(l.under)) {
		return urpc.ErrFull
	}
	at := guest.TSC()
	var r store.Request
	var m urpc.Message
	model.Request(s, &r)
	wire.PutRequest(&m, l.sent, &r)
	if err := l.conn.TrySend(&m); err != nil {
		return err
	}
	l.under[l.sent%uint64(len(l.under))] = underway{*s, at}
	l.sent++
	l.count[s.Op]++
	return nil
}

// collect takes the answers that are there, checks them, and returns how many.
func (c *client) collect() (n int, err error) {
	for _, l := range c.lanes {
		got, err := l.conn.RecvBatch(c.in[:])
		if err == urpc.ErrEmpty {
			continue
		}
		now := guest.TSC()
		for i := range c.in[:got] {
			if err == nil {
				err = c.take(l, &c.in[i], now)
			}
		}
		if err != nil {
			return n, fmt.Errorf("shard on core %d: %w", l.core, err)
		}
		n += got
	}
	c.waiting -= n
	return n, nil
}

// take takes the next answer of a shard, which came at a TSC of now.
func (c *client) take(l *lane, m *urpc.Message, now uint64) error {
	var a store.Answer
	tag, err := wire.Answer(m, &a)
	if err != nil {
		return err
	}
	if tag != l.back || l.back == l.sent {
		return fmt.Errorf("answer to request %d, that to %d of %d was due", tag, l.back, l.sent)
	}
	u := &l.under[l.back%uint64(len(l.under))]
	if c.took != nil {
		c.took.Record(now-u.at, 1)
	}
	l.back++
	return c.model.Check(&u.step, &a)
}

// finish tells the shard that nothing follows, and compares counts.
func (l *lane) finish(ctx context.Context) error {
	count := [3]uint64(l.count[store.Get:])
	m := wire.Control(wire.TypeDone, count[:]...)
	if err := l.conn.Send(ctx, &m); err != nil {
		return err
	}
	if err := l.conn.Recv(ctx, &m); err != nil {
		return err
	}
	if err := wire.WantControl(&m, wire.TypeServed, 3); err != nil {
		return err
	}
	if served := [3]uint64(m.Words[:3]); served != count {
		return fmt.Errorf("it served %v gets, puts and deletes, %v were sent", served, count)
	}
	return nil
}
