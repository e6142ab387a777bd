package main

import (
	"context"
	"errors"
	"fmt"

	"barreleye/guest"
	"barreleye/guest/monitor/caps"
	"barreleye/urpc"
)

// meet has every core give the next one the right to open channels to it, and take it back.
func meet(ctx context.Context, all *guest.Barrier) error {
	me, n := guest.Core(), guest.Cores()
	l, err := guest.Listen("for who has the endpoint")
	if err != nil {
		return err
	}
	defer l.Close()
	end, err := l.Endpoint(ctx)
	if err != nil {
		return err
	}
	if err := end.Send(ctx, (me+1)%n, caps.Grant); err != nil {
		return err
	}
	got, from, err := guest.ReceiveCap(ctx)
	if err != nil || from != (me+n-1)%n {
		return fmt.Errorf("endpoint of core %d: %w", from, err)
	}
	conn, err := guest.DialCap(ctx, got, guest.ChannelOptions{Lines: 16})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.Send(ctx, &urpc.Message{Type: 1, Len: 8, Words: [7]uint64{uint64(me)}}); err != nil {
		return err
	}
	next, err := l.Accept(ctx)
	if err != nil {
		return err
	}
	defer next.Close()
	var m urpc.Message
	if err := next.Recv(ctx, &m); err != nil || m.Words[0] != uint64((me+1)%n) || next.Peer() != (me+1)%n {
		return fmt.Errorf("core %d says that it is core %d: %w", next.Peer(), m.Words[0], err)
	}
	if err := all.Wait(ctx); err != nil {
		return err
	}
	if err := end.Revoke(ctx); err != nil {
		return err
	}
	if err := all.Wait(ctx); err != nil {
		return err
	}
	if _, err := guest.DialCap(ctx, got, guest.ChannelOptions{}); !errors.Is(err, guest.ErrCapGone) {
		return fmt.Errorf("dialed what was revoked: %v", err)
	}
	return errors.Join(end.Delete(ctx), all.Wait(ctx))
}
