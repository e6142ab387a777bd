package main

import (
	"context"
	"fmt"
	"os"

	"barreleye/guest"
	"barreleye/guest/monitor/names"
)

// leases has core 1 end while it holds a lock, offers a service and is awaited at a barrier.
// The others watch all of it come and go.
func leases(ctx context.Context) error {
	me := guest.Core()
	if err := guest.WaitPeers(ctx); err != nil {
		return err
	}
	watch, err := guest.WatchNames("mortal")
	if err != nil {
		return err
	}
	words, err := guest.Subscribe("words")
	if err != nil {
		return err
	}
	all, err := guest.NewBarrier("all", guest.Members())
	if err != nil {
		return err
	}
	if err := all.Wait(ctx); err != nil { // all watch
		return err
	}
	if me == 1 {
		return end(ctx)
	}
	want := map[names.Change]bool{
		{Event: names.Locked, Name: "mortal lock", Core: 1}:                  true,
		{Event: names.Exported, Name: "mortal", Core: 1}:                     true,
		{Event: names.Withdrawn, Name: "mortal", Core: 1}:                    true,
		{Event: names.Unlocked, Name: "mortal lock", Core: 1}:                true,
		{Event: names.Published, Name: "words", Core: 1, Text: "last words"}: true,
	}
	if c, err := words.Next(ctx); err != nil || !want[c] {
		return fmt.Errorf("heard %+v: %w", c, err)
	}
	for range 4 {
		c, err := watch.Next(ctx)
		if err != nil || !want[c] {
			return fmt.Errorf("saw %+v, or once more: %w", c, err)
		}
		delete(want, c)
	}
	if err := all.Wait(ctx); err != nil { // core 1 never comes
		return err
	}
	if err := guest.Lock(ctx, "mortal lock"); err != nil {
		return err
	}
	if who, held, err := guest.Holder(ctx, "mortal lock"); err != nil || !held || who != me {
		return fmt.Errorf("core %d holds the lock, held %v: %w", who, held, err)
	}
	if err := guest.Unlock(ctx, "mortal lock"); err != nil {
		return err
	}
	if err := all.Wait(ctx); err != nil {
		return err
	}
	fmt.Println("all that core 1 had is free")
	return nil
}

// end is the life of core 1: it has all that one can have, and ends.
func end(ctx context.Context) error {
	if err := guest.Lock(ctx, "mortal lock"); err != nil {
		return err
	}
	if _, err := guest.Export(ctx, "mortal"); err != nil {
		return err
	}
	if err := guest.Publish(ctx, "words", "last words"); err != nil {
		return err
	}
	fmt.Println("ends with all that it has")
	os.Exit(0)
	return nil
}
