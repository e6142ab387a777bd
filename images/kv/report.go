package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"

	"barreleye/guest"
	"barreleye/images/kv/wire"
	"barreleye/images/kv/workload"
	"barreleye/urpc"
)

// meet returns once all clients are ready: each tells core 0, which then says go.
func (c *client) meet(ctx context.Context) error {
	ready, begin := wire.Control(wire.TypeReady), wire.Control(wire.TypeGo)
	if guest.Core() != 0 {
		ch, err := guest.Channel(0)
		if err != nil {
			return err
		}
		if err := ch.Send(ctx, &ready); err != nil {
			return fmt.Errorf("core 0: %w", err)
		}
		return expect(ctx, ch, 0, wire.TypeGo, 0, &begin)
	}
	others, err := channels(1, c.options.clients()-1)
	if err != nil {
		return err
	}
	for i, ch := range others {
		if err := expect(ctx, ch, 1+i, wire.TypeReady, 0, &ready); err != nil {
			return err
		}
	}
	for i, ch := range others {
		if err := ch.Send(ctx, &begin); err != nil {
			return fmt.Errorf("core %d: %w", 1+i, err)
		}
	}
	return nil
}

// expect takes a control message from a core.
func expect(ctx context.Context, ch *urpc.Conn, core int, kind uint16, numbers int, m *urpc.Message) error {
	err := ch.Recv(ctx, m)
	if err == nil {
		err = wire.WantControl(m, kind, numbers)
	}
	if err != nil {
		return fmt.Errorf("core %d: %w", core, err)
	}
	return nil
}

// report hands what this client measured to core 0, which prints the sum.
func (c *client) report(ctx context.Context, begin, end uint64) error {
	if !c.options.json {
		fmt.Printf("client %d: all %d answers are right\n", guest.Core(), c.answers())
	}
	if guest.Core() == 0 {
		return c.gather(ctx, begin, end)
	}
	ch, err := guest.Channel(0)
	if err != nil {
		return err
	}
	msgs := []urpc.Message{wire.Control(wire.TypeTotals, uint64(c.took.Count()), begin, end)}
	for cycles, n := range c.took.Each {
		msgs = append(msgs, wire.Control(wire.TypeLatency, cycles, uint64(n)))
	}
	msgs = append(msgs, wire.Control(wire.TypeEnd))
	if err := sendAll(ctx, ch, msgs); err != nil {
		return fmt.Errorf("core 0: %w", err)
	}
	return nil
}

// answers is how many requests were answered, those before the measurement too.
func (c *client) answers() (n uint64) {
	for _, l := range c.lanes {
		n += l.back
	}
	return n
}

// gather is core 0's part.
func (c *client) gather(ctx context.Context, begin, end uint64) error {
	others, err := channels(1, c.options.clients()-1)
	if err != nil {
		return err
	}
	for i, ch := range others {
		b, e, err := c.add(ctx, ch, 1+i)
		if err != nil {
			return err
		}
		begin, end = min(begin, b), max(end, e)
	}
	const many = 1 << 30
	r := workload.NewResult(c.took, end-begin, guest.Nanoseconds(many)/many)
	if c.options.json {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	return c.print(r)
}

// add takes what another client measured.
func (c *client) add(ctx context.Context, ch *urpc.Conn, core int) (begin, end uint64, err error) {
	var m urpc.Message
	if err := expect(ctx, ch, core, wire.TypeTotals, 3, &m); err != nil {
		return 0, 0, err
	}
	want, begin, end := int64(m.Words[0]), m.Words[1], m.Words[2]
	before := c.took.Count()
	for {
		if err := ch.Recv(ctx, &m); err != nil {
			return 0, 0, fmt.Errorf("core %d: %w", core, err)
		}
		if m.Type == wire.TypeEnd {
			break
		}
		if err := wire.WantControl(&m, wire.TypeLatency, 2); err != nil {
			return 0, 0, fmt.Errorf("core %d: %w", core, err)
		}
		c.took.Record(m.Words[0], int64(m.Words[1]))
	}
	if got := c.took.Count() - before; got != want {
		return 0, 0, fmt.Errorf("core %d: latencies of %d operations, it measured %d", core, got, want)
	}
	return begin, end, nil
}

func (c *client) print(r workload.Result) error {
	o := c.options
	fmt.Printf("%d clients, %d shards, %d requests under way per client and shard; %v\n", o.clients(), o.shards, o.inflight, &o.Config)
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "OPERATIONS\tSECONDS\tPER SECOND\tP50 ns\tP90 ns\tP99 ns\tP99.9 ns\tMAX ns\t")
	fmt.Fprintf(w, "%d\t%.3f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t\n",
		r.Operations, r.Seconds, r.PerSecond, r.P50, r.P90, r.P99, r.P999, r.Max)
	return w.Flush()
}
