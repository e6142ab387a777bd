package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"barreleye/guest"
	"barreleye/guest/monitor/buddy"
	"barreleye/guest/monitor/caps"
)

// poolPieces takes and gives back pieces of shared memory at random, all cores at the same time, sends
// some, and finds an error where there is no more.
func poolPieces(o *options) error {
	ctx := context.Background()
	p, err := guest.NewRAMPool(guest.RAMPoolOptions{Block: 256 << 10})
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(o.seed, uint64(guest.Core())))
	var list []guest.Cap
	for range o.steps {
		if len(list) > 0 && rng.IntN(2) == 0 {
			i := rng.IntN(len(list))
			if err := freePiece(ctx, p, list[i], rng); err != nil {
				return err
			}
			list[i] = list[len(list)-1]
			list = list[:len(list)-1]
			continue
		}
		c, err := p.Alloc(ctx, uint64(1+rng.IntN(8))*page)
		if errors.Is(err, guest.ErrMemory) && guest.Cores() > 1 {
			continue // the others have it
		}
		if err != nil {
			return err
		}
		list = append(list, c)
	}
	s := p.Stats()
	if (s.Used == 0) != (len(list) == 0) || s.Largest > s.Size || s.Idle > 256<<10 {
		return fmt.Errorf("%d pieces: %+v", len(list), s)
	}
	fmt.Printf("pool: %d pieces, %d KiB in use of %d, %.0f %% of what is free is not in one piece\n", len(list), s.Used>>10, s.Size>>10, 100*s.Fragmentation())
	for err == nil {
		_, err = p.Alloc(ctx, 512<<10)
	}
	if !errors.Is(err, guest.ErrMemory) {
		return fmt.Errorf("until there was no more: %w", err)
	}
	if err := p.Close(ctx); err != nil {
		return err
	}
	for _, c := range list {
		if _, err := c.Info(); !errors.Is(err, guest.ErrCapGone) {
			return fmt.Errorf("a piece of a pool that was closed: %v", err)
		}
	}
	return nil
}

// freePiece gives a piece back, now and then with something cut from it, or after another
// core got it too.
func freePiece(ctx context.Context, p *guest.RAMPool, c guest.Cap, rng *rand.Rand) error {
	other, err := c.Copy()
	if err == nil && rng.IntN(2) == 0 {
		_, err = c.Retype(ctx, caps.Frame, 0, page, 1)
	} else if err == nil && rng.IntN(8) == 0 && guest.Cores() > 1 {
		if err = c.Send(ctx, (guest.Core()+1)%guest.Cores(), caps.Read); errors.Is(err, guest.ErrGone) {
			err = nil // it was done earlier
		}
	}
	if err != nil {
		return err
	}
	if err := p.Free(ctx, c); err != nil {
		return err
	}
	if _, err := other.Info(); !errors.Is(err, guest.ErrCapGone) {
		return fmt.Errorf("a copy of a piece that was freed: %v", err)
	}
	if err := p.Free(ctx, c); !errors.Is(err, guest.ErrCapGone) && !errors.Is(err, buddy.ErrUnknown) {
		return fmt.Errorf("a piece that was freed twice: %v", err)
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
