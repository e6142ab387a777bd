package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"barreleye/guest"
	"barreleye/guest/monitor/caps"
)

// poolPieces takes and gives back pieces of shared memory at random, all cores at the same time,
// sends some, and then takes until there is no more: what others keep and do not use too.
func poolPieces(o *options) error {
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(o.seed, uint64(guest.Core())))
	var list []guest.Cap
	for range o.steps {
		if len(list) > 0 && rng.IntN(2) == 0 {
			i := rng.IntN(len(list))
			if err := freePiece(ctx, list[i], rng); err != nil {
				return err
			}
			list[i] = list[len(list)-1]
			list = list[:len(list)-1]
			continue
		}
		c, err := guest.AllocRAM(ctx, uint64(1+rng.IntN(8))*page)
		if errors.Is(err, guest.ErrMemory) && guest.Cores() > 1 {
			continue // the others have it
		}
		if err != nil {
			return err
		}
		list = append(list, c)
	}
	fmt.Printf("pool: %d pieces\n", len(list))
	var err error
	for size := uint64(512 << 10); size >= page; size /= 8 {
		for err = nil; err == nil; {
			var c guest.Cap
			if c, err = guest.AllocRAM(ctx, size); err == nil {
				list = append(list, c)
			}
		}
		if !errors.Is(err, guest.ErrMemory) {
			return fmt.Errorf("until there was no more: %w", err)
		}
	}
	for _, c := range list {
		if err := c.Delete(ctx); err != nil {
			return err
		}
	}
	return nil
}

// freePiece gives a piece back, now and then with something cut from it, or after another
// core got it too.
func freePiece(ctx context.Context, c guest.Cap, rng *rand.Rand) error {
	other, err := c.Copy()
	if err == nil && rng.IntN(2) == 0 {
		_, err = c.Retype(ctx, caps.Frame, 0, page, 1)
	} else if err == nil && rng.IntN(8) == 0 && guest.Cores() > 1 {
		if err = c.Send(ctx, (guest.Core()+1)%guest.Cores(), caps.Read); errors.Is(err, guest.ErrGone) {
			err = nil // it was done earlier
		}
	}
	if err == nil {
		err = c.Revoke(ctx)
	}
	if err == nil {
		err = c.Delete(ctx)
	}
	if err != nil {
		return err
	}
	for _, gone := range []guest.Cap{c, other} {
		if _, err := gone.Info(); !errors.Is(err, guest.ErrCapGone) {
			return fmt.Errorf("a piece that was freed: %v", err)
		}
	}
	return nil
}

// receive takes what others send, so that they may.
func receive() {
	for {
		if _, _, err := guest.ReceiveCap(context.Background()); err != nil {
			return
		}
	}
}
