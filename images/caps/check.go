package main

import (
	"context"
	"errors"
	"fmt"

	"barreleye/guest"
	"barreleye/guest/monitor/caps"
)

const page = caps.PageSize

// check has every core give memory to the next one, by a message of the monitors and over a
// channel, and take it back.
func check(ctx context.Context) error {
	me, n := guest.Core(), guest.Cores()
	if err := guest.WaitPeers(ctx); err != nil {
		return err
	}
	all, err := guest.NewBarrier("all", guest.Members())
	if err != nil {
		return err
	}
	ram, err := guest.AllocRAM(ctx, 8*page)
	if err != nil {
		return err
	}
	frames, err := ram.Retype(ctx, caps.Frame, 0, 2*page, 3)
	if err != nil {
		return err
	}
	if _, err := ram.Retype(ctx, caps.Frame, page, page, 1); !errors.Is(err, caps.ErrOverlap) {
		return fmt.Errorf("cut twice: %v", err)
	}
	fewer, err := frames[1].Mint(caps.Read)
	if err != nil {
		return err
	}
	if err := fewer.Send(ctx, (me+1)%max(n, 2), caps.Read); n > 1 && !errors.Is(err, caps.ErrRights) {
		return fmt.Errorf("sent without the right to: %v", err)
	}
	if n > 1 {
		if err := meet(ctx, all); err != nil {
			return err
		}
		if err := give(ctx, all, ram, frames); err != nil {
			return err
		}
	} else if err := ram.Revoke(ctx); err != nil {
		return err
	}
	for _, c := range append(frames, fewer) {
		if _, err := c.Info(); !errors.Is(err, guest.ErrCapGone) {
			return fmt.Errorf("it was revoked: %v", err)
		}
	}
	fmt.Println("capabilities were cut, sent, received and revoked")
	return over(ctx, func() error {
		if err := ram.Delete(ctx); !errors.Is(err, guest.ErrCapGone) {
			return err
		}
		return nil // it was deleted already
	})
}

// give gives the next core two of the frames, and revokes all.
func give(ctx context.Context, all *guest.Barrier, ram guest.Cap, frames []guest.Cap) error {
	me, n := guest.Core(), guest.Cores()
	offer, err := guest.Export(ctx, fmt.Sprint("frames for core ", me))
	if err != nil {
		return err
	}
	defer offer.Withdraw(ctx)
	sent := make(chan error, 1)
	go func() {
		err := frames[0].Send(ctx, (me+1)%n, caps.Read|caps.Write|caps.Grant)
		if err == nil {
			var conn *guest.Conn
			if conn, err = guest.Bind(ctx, fmt.Sprint("frames for core ", (me+1)%n), guest.ChannelOptions{}); err == nil {
				defer conn.Close()
				err = conn.SendCap(ctx, frames[2], caps.Read)
			}
		}
		sent <- err
	}()
	one, from, err := guest.ReceiveCap(ctx)
	if err != nil || from != (me+n-1)%n {
		return fmt.Errorf("received of core %d: %w", from, err)
	}
	conn, err := offer.Accept(ctx)
	if err != nil {
		return err
	}
	two, err := conn.RecvCap(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for c, rights := range map[guest.Cap]caps.Rights{one: caps.Read | caps.Write | caps.Grant, two: caps.Read} {
		if got, err := c.Info(); err != nil || got.Rights != rights || got.Type != caps.Frame || got.Size != 2*page {
			return fmt.Errorf("received %+v, want rights %v: %w", got, rights, err)
		}
	}
	if err := errors.Join(<-sent, all.Wait(ctx)); err != nil {
		return err
	}
	if err := ram.Revoke(ctx); err != nil {
		return err
	}
	if err := all.Wait(ctx); err != nil {
		return err
	}
	for _, c := range []guest.Cap{one, two} {
		if _, err := c.Info(); !errors.Is(err, guest.ErrCapGone) {
			return fmt.Errorf("core %d has revoked it: %v", (me+n-1)%n, err)
		}
	}
	return nil
}
