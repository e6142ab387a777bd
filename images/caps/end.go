package main

import (
	"context"
	"fmt"

	"barreleye/guest"
)

// over has all cores come to the end together: nobody sends any more, then clear is called
// on each, and then all of the shared memory must be free, to the last page.
func over(ctx context.Context, clear func() error) error {
	end, err := guest.NewBarrier("end", guest.Members())
	if err != nil {
		return err
	}
	if err := end.Wait(ctx); err != nil {
		return err
	}
	if err := clear(); err != nil {
		return err
	}
	if err := end.Wait(ctx); err != nil {
		return err
	}
	if guest.Core() == 0 {
		_, size := guest.Region().Geometry.RAM()
		all, err := guest.AllocRAM(ctx, size)
		if err != nil {
			return fmt.Errorf("not all of the shared memory came back: %w", err)
		}
		if err := all.Delete(ctx); err != nil {
			return err
		}
		fmt.Printf("all %d pages are free\n", size/page)
	}
	return end.Wait(ctx)
}
