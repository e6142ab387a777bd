package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"barreleye/guest"
	"barreleye/urpc"
)

// outlived has core 0 end before the others, twice. They end when they have let go of all
// that they shared with it.
func outlived(ctx context.Context) error {
	if guest.Core() == 0 {
		return endFirst(ctx)
	}
	for life := uint64(0); life < 2; {
		var err error
		if life, err = guest.WaitPeer(ctx, 0, life); err != nil {
			return err
		}
		ch, err := guest.Channel(0)
		if err != nil {
			return err
		}
		n, m := 0, urpc.Message{}
		for err = ch.Recv(ctx, &m); err == nil; err = ch.Recv(ctx, &m) {
			if n++; n == *count {
				if err := ch.Send(ctx, &m); err != nil {
					return err
				}
			}
		}
		if !errors.Is(err, urpc.ErrClosed) || n != *count {
			return fmt.Errorf("%d messages came, then %w", n, err)
		}
		for guest.Region().Settled(guest.Core(), 0).Load() < life {
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

func endFirst(ctx context.Context) error {
	for peer := 1; peer < guest.Cores(); peer++ {
		ch, err := guest.Channel(peer)
		if err != nil {
			return err
		}
		for range *count {
			if err := ch.Send(ctx, &urpc.Message{Type: 1}); err != nil {
				return err
			}
		}
		if err := ch.Recv(ctx, &urpc.Message{}); err != nil {
			return err
		}
	}
	if guest.Life() == 1 {
		return errors.New("the first life ends")
	}
	return nil
}
