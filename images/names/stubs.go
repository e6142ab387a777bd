package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"barreleye/guest"
	"barreleye/images/rpc/desk"
	"barreleye/urpc"
	"barreleye/urpc/rpc"
)

func deskOf(core int) string { return fmt.Sprint("desk of core ", core) }

// stubs has every core call the desk of every other one by its name. That of core 0 appears
// when all others wait for it.
func stubs(ctx context.Context) error {
	me, n := guest.Core(), guest.Cores()
	if err := guest.WaitPeers(ctx); err != nil {
		return err
	}
	waiting, err := guest.Subscribe("waiting")
	if err != nil {
		return err
	}
	over, err := guest.NewBarrier("stubs", guest.Members())
	if err != nil {
		return err
	}
	if err := over.Wait(ctx); err != nil { // all have subscribed
		return err
	}
	if me == 0 {
		for range n - 1 {
			if _, err := waiting.Next(ctx); err != nil {
				return err
			}
		}
	} else {
		if _, there, err := guest.Lookup(ctx, deskOf(0)); there || err != nil {
			return fmt.Errorf("the desk of core 0 is there before anybody waits: %v, %w", there, err)
		}
		if err := guest.Publish(ctx, "waiting", fmt.Sprint(me)); err != nil {
			return err
		}
	}
	offer, err := guest.Export(ctx, deskOf(me), guest.Property{Key: "kind", Value: "desk"})
	if err != nil {
		return err
	}
	go serve(ctx, offer)
	for core := range n {
		if core == me {
			continue
		}
		if err := callDesk(ctx, core); err != nil {
			return fmt.Errorf("core %d: %w", core, err)
		}
	}
	if err := over.Wait(ctx); err != nil {
		return err
	}
	fmt.Printf("%d desks called by name\n", n-1)
	return nil
}

// serve answers calls of whoever binds.
func serve(ctx context.Context, offer *guest.Offer) {
	for {
		c, err := offer.Accept(ctx)
		if err != nil {
			return
		}
		clerk := &desk.Clerk{Served: func() {}, Left: make(chan struct{})}
		calls, err := rpc.New(c, rpc.Config{Services: []rpc.Service{desk.NewDeskService(clerk)}})
		if err != nil {
			c.Close()
			continue
		}
		go func() {
			defer c.Close()
			if err := calls.Serve(ctx); !errors.Is(err, urpc.ErrClosed) {
				fmt.Println("a desk's channel ends:", err)
			}
		}()
	}
}

// callDesk binds the desk of a core and calls it: small, large, and what it refuses.
func callDesk(ctx context.Context, core int) error {
	s, err := guest.WaitService(ctx, deskOf(core))
	if err != nil || s.Core != core {
		return fmt.Errorf("service %+v: %w", s, err)
	}
	c, err := guest.Bind(ctx, deskOf(core), guest.ChannelOptions{})
	if err != nil {
		return err
	}
	defer c.Close()
	calls, err := rpc.New(c, rpc.Config{})
	if err != nil {
		return err
	}
	defer calls.Close()
	d := desk.NewDeskClient(calls)
	me := uint64(guest.Core())
	if sum, err := d.Sum(ctx, me, uint64(core)); err != nil || sum != me+uint64(core) {
		return fmt.Errorf("sum of %d and %d is %d: %w", me, core, sum, err)
	}
	want := bytes.Repeat([]byte{byte(me)}, 5000)
	if got, err := d.Echo(ctx, want); err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("echo of %d bytes: %d bytes, %w", len(want), len(got), err)
	}
	if err := d.Refuse(ctx, me); !errors.Is(err, desk.ErrRefused) || !strings.Contains(err.Error(), fmt.Sprint(me)) {
		return fmt.Errorf("refusal: %v", err)
	}
	return nil
}
