package main

import (
	"context"
	"fmt"
	"slices"

	"barreleye/images/kv/store"
	"barreleye/images/kv/wire"
	"barreleye/urpc"
)

// batch is how many requests of one client are served before the next client's.
const batch = 64

// shard serves its part of the keys to all clients, in one loop: no goroutine per
// client, since there is one CPU, and no lock, since there is one goroutine.
type shard struct {
	number  int
	store   *store.Store
	clients []*served // that are not done
	some    *urpc.Select
	in, out [batch]urpc.Message
}

// served is one client as its shard sees it.
type served struct {
	core  int
	conn  *urpc.Conn
	count [store.Delete + 1]uint64 // requests served, by operation
	done  bool
}

// makeShard makes a shard whose clients are the first cores.
func makeShard(ctx context.Context, number int, clients []*urpc.Conn) *shard {
	s := &shard{number: number, store: store.New(), some: urpc.NewSelect(ctx, receivers(clients)...)}
	for core, conn := range clients {
		s.clients = append(s.clients, &served{core: core, conn: conn})
	}
	return s
}

func (s *shard) run(ctx context.Context, o *options) error {
	all := slices.Clone(s.clients)
	for len(s.clients) > 0 {
		if err := s.round(ctx); err != nil {
			return fmt.Errorf("shard %d: %w", s.number, err)
		}
	}
	if o.json {
		return nil
	}
	var n [store.Delete + 1]uint64
	for _, c := range all {
		for op := range n {
			n[op] += c.count[op]
		}
	}
	fmt.Printf("shard %d: served %d operations (%d gets, %d puts, %d deletes) of %d clients, holds %d keys\n",
		s.number, n[store.Get]+n[store.Put]+n[store.Delete], n[store.Get], n[store.Put], n[store.Delete], len(all), s.store.Keys())
	return nil
}

// round serves what every client has sent; if none has sent anything it waits.
func (s *shard) round(ctx context.Context) error {
	idle := true
	for _, c := range s.clients {
		n, err := c.conn.RecvBatch(s.in[:])
		if err == urpc.ErrEmpty {
			continue
		}
		if err == nil {
			err = s.serve(ctx, c, n)
		}
		if err != nil {
			return fmt.Errorf("client %d: %w", c.core, err)
		}
		idle = false
	}
	if idle {
		return s.some.Wait()
	}
	s.clients = slices.DeleteFunc(s.clients, func(c *served) bool { return c.done })
	return nil
}

// serve answers the first n messages of the batch, which c sent.
func (s *shard) serve(ctx context.Context, c *served, n int) error {
	for i := range n {
		in, out := &s.in[i], &s.out[i]
		if in.Type == wire.TypeDone {
			if err := s.finish(c, in, out); err != nil {
				return err
			}
			continue
		}
		var r store.Request
		tag, err := wire.Request(in, &r)
		if err != nil {
			return err
		}
		a := s.store.Apply(&r)
		c.count[r.Op]++
		wire.PutAnswer(out, tag, &a)
	}
	return sendAll(ctx, c.conn, s.out[:n])
}

// finish ends the service for a client, which says how much it sent.
func (s *shard) finish(c *served, in, out *urpc.Message) error {
	if err := wire.WantControl(in, wire.TypeDone, 3); err != nil {
		return err
	}
	count := [3]uint64(c.count[store.Get:])
	if sent := [3]uint64(in.Words[:3]); sent != count {
		return fmt.Errorf("it sent %v gets, puts and deletes, %v were served", sent, count)
	}
	*out = wire.Control(wire.TypeServed, count[:]...)
	c.done = true
	s.some.Drop(c.conn.Receiver)
	return nil
}
