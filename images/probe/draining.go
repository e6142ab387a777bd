package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"barreleye/guest"
	"barreleye/urpc"
)

// draining is a stream from every other core to core 0, as fast as it goes, until the
// sender is asked to end: it then sends how many messages there were, and ends. Core 0
// counts what comes of each life, to its end.
func draining(ctx context.Context) error {
	if guest.Core() != 0 {
		return drainTo(ctx, 0)
	}
	stop := guest.Stopping()
	var lives sync.WaitGroup
	for peer := 1; peer < guest.Cores(); peer++ {
		go func() {
			for life := uint64(0); ; {
				next, err := guest.WaitPeer(ctx, peer, life)
				if err == nil {
					life = next
					lives.Add(1)
					err = drained(ctx, peer, life)
					lives.Done()
				}
				if err != nil {
					fmt.Printf("core %d life %d: %v\n", peer, life, err)
				}
			}
		}()
	}
	fmt.Println("streaming")
	<-stop
	for who := guest.Lives(); len(guest.Members()) > 1; { // the others were asked before
		var err error
		if who, err = guest.Watch(ctx, who.Epoch); err != nil {
			return err
		}
	}
	lives.Wait()
	return nil
}

// last is the type of a sender's last message.
const last = 2

// drainTo sends until this core is asked to end.
func drainTo(ctx context.Context, peer int) error {
	stop := guest.Stopping()
	ch, err := guest.Channel(peer)
	if err != nil {
		return err
	}
	fmt.Println("streaming")
	m := urpc.Message{Type: 1, Len: 8}
	for n := uint64(0); ; n++ {
		m.Words[0] = n
		select {
		case <-stop:
			m.Type = last
			return ch.Send(ctx, &m)
		default:
		}
		if err := ch.Send(ctx, &m); err != nil {
			return err
		}
	}
}

// drained takes all that a life of a peer sends.
func drained(ctx context.Context, peer int, life uint64) error {
	ch, err := guest.Channel(peer)
	if err != nil {
		return err
	}
	ended := false
	for n := uint64(0); ; n++ {
		var m urpc.Message
		err := ch.Recv(ctx, &m)
		switch {
		case errors.Is(err, urpc.ErrClosed) && ended:
			fmt.Printf("core %d life %d: all of its messages came\n", peer, life)
			return nil
		case err != nil:
			return fmt.Errorf("after %d messages: %w", n, err)
		case ended || m.Words[0] != n:
			return fmt.Errorf("message %d, %d is due", m.Words[0], n)
		}
		ended = m.Type == last
	}
}
