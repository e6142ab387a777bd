package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"barreleye/guest"
	"barreleye/guest/cpudriver"
	"barreleye/urpc"
)

// gone is the core that somebody takes away in the task "abandoned".
const gone = 1

// abandoned waits on core 1 for its end, and on the others for word of it.
func abandoned(ctx context.Context) error {
	if guest.Core() == gone {
		fmt.Println("waiting for the end")
		return asleep(ctx)
	}
	ch, err := guest.Channel(gone)
	if err != nil {
		return err
	}
	var m urpc.Message
	err = ch.Recv(ctx, &m)
	if err == nil {
		return fmt.Errorf("core %d sent a message", gone)
	}
	fmt.Printf("core %d is gone: %v\n", gone, err)
	return nil
}

// ringing rings core 0's doorbell, whatever that does.
func ringing(ctx context.Context) error {
	if !cpudriver.InGuest() {
		return errors.New("a process has no doorbell of its own to ring")
	}
	fmt.Println("ringing")
	if guest.Core() == 0 {
		<-ctx.Done()
	}
	for {
		cpudriver.Ring(0)
	}
}

// drain ends in good order when it is asked to.
func drain(context.Context) error {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGINT, syscall.SIGTERM)
	fmt.Println("ready")
	fmt.Printf("asked by %v, drained\n", <-asked)
	return nil
}

// stubborn takes no notice of being asked.
func stubborn(ctx context.Context) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM)
	fmt.Println("ready")
	return asleep(ctx)
}
