package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"barreleye/guest"
	"barreleye/images/internal/echo"
	"barreleye/urpc"
)

// check has every core offer a service, call that of the next core, and publish.
func check(ctx context.Context) error {
	me, n := guest.Core(), guest.Cores()
	if err := guest.WaitPeers(ctx); err != nil {
		return err
	}
	all, err := guest.NewBarrier("all", guest.Members())
	if err != nil {
		return err
	}
	texts, err := guest.Subscribe("news")
	if err != nil {
		return err
	}
	kind := guest.Property{Key: "kind", Value: "echo"}
	offer, err := guest.Export(ctx, service(me), kind, guest.Property{Key: "core", Value: strconv.Itoa(me)})
	if err != nil {
		return err
	}
	go echo.Serve(ctx, offer)
	if err := all.Wait(ctx); err != nil {
		return err
	}
	list, err := guest.Find(ctx, kind)
	if err != nil || len(list) != n {
		return fmt.Errorf("%d of %d services found: %w", len(list), n, err)
	}
	if n > 1 {
		if err := call(ctx, service((me+1)%n)); err != nil {
			return err
		}
		if _, err := guest.Export(ctx, service((me+1)%n)); !errors.Is(err, guest.ErrTaken) {
			return fmt.Errorf("the name of another core's service: %v", err)
		}
	}
	if err := guest.Publish(ctx, "news", fmt.Sprint("of core ", me)); err != nil {
		return err
	}
	heard := map[int]bool{}
	for len(heard) < n {
		c, err := texts.Next(ctx)
		if err != nil || c.Text != fmt.Sprint("of core ", c.Core) || heard[c.Core] {
			return fmt.Errorf("heard %+v: %w", c, err)
		}
		heard[c.Core] = true
	}
	if err := all.Wait(ctx); err != nil {
		return err
	}
	if err := offer.Withdraw(ctx); err != nil {
		return err
	}
	if err := all.Wait(ctx); err != nil {
		return err
	}
	if list, err := guest.Find(ctx, kind); err != nil || len(list) != 0 {
		return fmt.Errorf("%d services are left: %w", len(list), err)
	}
	fmt.Printf("%d services found, called, and gone\n", n)
	return nil
}

func service(core int) string { return fmt.Sprint("echo of core ", core) }

// call sends the service of a name something, and wants it back.
func call(ctx context.Context, name string) error {
	c, err := guest.Bind(ctx, name, guest.ChannelOptions{})
	if err != nil {
		return err
	}
	defer c.Close()
	want := urpc.Message{Type: 1, Len: 8, Words: [7]uint64{uint64(guest.Core()) + 1}}
	if err := c.Send(ctx, &want); err != nil {
		return err
	}
	var got urpc.Message
	if err := c.Recv(ctx, &got); err != nil || got != want {
		return fmt.Errorf("echo of %q: %+v, %w", name, got, err)
	}
	return nil
}
