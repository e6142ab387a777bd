package main

import (
	"context"
	"fmt"
	"os"

	"barreleye/guest"
)

// storm takes the lock again and again. Inside, a core offers a service under a name that
// would be taken if another one were inside too, or had left something behind.
func storm(ctx context.Context) error {
	var asked <-chan struct{}
	if *stay && guest.Core() == 0 {
		asked = guest.Stopping()
	}
	fmt.Println("in the storm")
	for turn := range *turns {
		if err := guest.Lock(ctx, "lock"); err != nil {
			return err
		}
		inside, err := guest.Export(ctx, "inside")
		if err != nil {
			return err
		}
		if guest.Life() == 1 && guest.Core() > 0 && guest.Core() <= *die && turn == *turns/2 {
			fmt.Println("ends inside")
			os.Exit(3)
		}
		if err := inside.Withdraw(ctx); err != nil {
			return err
		}
		if err := guest.Unlock(ctx, "lock"); err != nil {
			return err
		}
		if err := guest.Publish(ctx, "turns", fmt.Sprint(turn)); err != nil {
			return err
		}
	}
	fmt.Printf("%d turns\n", *turns)
	if *stay && guest.Core() == 0 {
		<-asked
	}
	return nil
}
