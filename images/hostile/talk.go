package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"barreleye/guest"
	"barreleye/urpc"
)

// talk exchanges messages with every other honest core, and takes whatever the hostile
// one sends meanwhile, over everything that it may send on.
func talk() error {
	listen()
	var all sync.WaitGroup
	errs := make([]error, guest.Cores())
	for peer := range guest.Cores() {
		if peer != guest.Core() && peer != *culprit {
			all.Go(func() { errs[peer] = exchange(peer) })
		}
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fmt.Printf("talk: %d round trips with each of %d cores\n", *messages, guest.Cores()-2)
	return nil
}

// exchange has the lower core of two ask and the other one answer. Each checks all of it.
func exchange(peer int) error {
	ctx := context.Background()
	ch, err := guest.Channel(peer)
	if err != nil {
		return err
	}
	asks := guest.Core() < peer
	for i := range uint64(*messages) {
		var m urpc.Message
		if asks {
			fill(&m, i)
			if err := ch.Send(ctx, &m); err != nil {
				return fmt.Errorf("message %d to core %d: %w", i, peer, err)
			}
		}
		if err := ch.Recv(ctx, &m); err != nil {
			return fmt.Errorf("message %d from core %d: %w", i, peer, err)
		}
		var want urpc.Message
		fill(&want, i)
		if m != want {
			return fmt.Errorf("message %d from core %d is %v, want %v", i, peer, m, want)
		}
		if !asks {
			if err := ch.Send(ctx, &m); err != nil {
				return fmt.Errorf("answer %d to core %d: %w", i, peer, err)
			}
		}
	}
	return nil
}

// fill makes message i.
func fill(m *urpc.Message, i uint64) {
	m.Type = 1
	for w := range m.Words {
		m.Words[w] = i * uint64(2*w+1)
	}
	m.Len = uint8(8 * len(m.Words))
}

// listen takes what the hostile core sends, as messages, calls and pages, to the end of
// each. What comes is nonsense.
func listen() {
	ctx := context.Background()
	if ch, err := guest.Channel(*culprit); err == nil {
		go func() {
			for m := (urpc.Message{}); ch.Recv(ctx, &m) == nil; {
			}
		}()
		go func() {
			for m := (urpc.Message{}); ch.Send(ctx, &m) == nil; {
			}
		}()
	}
	if server, err := guest.Server(*culprit); err == nil {
		go func() {
			for m := (urpc.Message{}); server.Accept(ctx, &m) == nil && server.Reply(&m) == nil; {
			}
		}()
	}
	if client, err := guest.Client(*culprit); err == nil {
		go func() {
			for m := (urpc.Message{}); client.Call(ctx, &m) == nil; {
			}
		}()
	}
	if pool, err := guest.Pages(*culprit); err == nil {
		go func() {
			for {
				p, _, err := pool.Receive(ctx)
				if err != nil {
					return
				}
				_ = p.Release() // it may be another's
			}
		}()
	}
}
