package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"barreleye/guest"
)

// accounted is the name of the service by which core 0 says that nothing was lost.
const accounted = "all is accounted for"

// lost is how often core 0 looks, with a millisecond in between, until what has not come back
// counts as lost. It counts looks, not time: while the host stands still nobody lets go.
const lost = 100_000

// over has every core let go of all that it has, by clear, as often as something more comes:
// others may be in the midst of it yet, or return from the dead. Core 0 waits until all of
// the shared memory is free, to the last page, and then for all others to end: whoever
// returns late hears of it too.
func over(ctx context.Context, clear func() error) error {
	if guest.Core() == 0 {
		return account(ctx, clear)
	}
	for {
		if err := clear(); err != nil {
			return err
		}
		if _, said, err := guest.Lookup(ctx, accounted); said || err != nil {
			return errors.Join(err, clear())
		}
		time.Sleep(time.Millisecond) // it looks again and again: what comes tells nobody
	}
}

func account(ctx context.Context, clear func() error) error {
	_, size := guest.Region().Geometry.RAM()
	for looks := 0; ; time.Sleep(time.Millisecond) {
		if err := clear(); err != nil {
			return err
		}
		all, err := guest.AllocRAM(ctx, size)
		if err == nil {
			if err := all.Delete(ctx); err != nil {
				return err
			}
			break
		}
		if looks++; !errors.Is(err, guest.ErrMemory) || looks > lost {
			return fmt.Errorf("not all of the shared memory came back: %w", err)
		}
	}
	fmt.Printf("all %d pages are free\n", size/page)
	if _, err := guest.Export(ctx, accounted); err != nil {
		return err
	}
	for now := guest.Lives(); ; {
		others := 0
		for core, life := range now.Lives {
			if core != guest.Core() && life != 0 {
				others++
			}
		}
		if others == 0 {
			return nil
		}
		var err error
		if now, err = guest.Watch(ctx, now.Epoch); err != nil {
			return err
		}
	}
}
