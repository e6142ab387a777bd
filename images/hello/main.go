// Hello greets from every core and exchanges a message with every other core.
package main

import (
	"context"
	"fmt"
	"os"

	"barreleye/guest"
	"barreleye/urpc"
)

func main() {
	me, n := guest.Core(), guest.Cores()
	fmt.Printf("hello from core %d of %d\n", me, n)
	if err := exchange(me, n); err != nil {
		fmt.Fprintf(os.Stderr, "core %d: %v\n", me, err)
		os.Exit(1)
	}
	fmt.Printf("core %d heard from all %d others\n", me, n-1)
}

// exchange sends every other core a greeting and takes theirs.
func exchange(me, n int) error {
	ctx := context.Background()
	if err := guest.WaitPeers(ctx); err != nil {
		return err
	}
	for peer := range n {
		if peer == me {
			continue
		}
		ch, err := guest.Channel(peer)
		if err != nil {
			return err
		}
		var m urpc.Message
		if err := m.SetBytes(fmt.Appendf(nil, "greetings from core %d", me)); err != nil {
			return err
		}
		if err := ch.Send(ctx, &m); err != nil {
			return err
		}
	}
	for peer := range n {
		if peer == me {
			continue
		}
		ch, err := guest.Channel(peer)
		if err != nil {
			return err
		}
		var m urpc.Message
		if err := ch.Recv(ctx, &m); err != nil {
			return err
		}
		if got, want := string(m.AppendTo(nil)), fmt.Sprintf("greetings from core %d", peer); got != want {
			return fmt.Errorf("message from core %d reads %q, want %q", peer, got, want)
		}
	}
	return nil
}
