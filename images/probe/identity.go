package main

import (
	"context"
	crand "crypto/rand"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"barreleye/guest"

	"golang.org/x/sys/unix"
)

// initialised is when the program's packages were.
var initialised = time.Now()

// identity prints what no other life has, or has had, and then who lives, with every
// change.
func identity(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 24*time.Hour) // without which it waits for nothing that comes: a deadlock
	defer cancel()
	now := guest.Lives()
	var raw, crypto [16]byte
	if n, err := unix.Getrandom(raw[:], 0); n != len(raw) || err != nil {
		return fmt.Errorf("getrandom: %d bytes, %w", n, err)
	}
	if _, err := crand.Read(crypto[:]); err != nil {
		return err
	}
	text, err := json.Marshal(struct {
		Core, Cores                int
		Life, Epoch                uint64
		Lives                      []uint64
		Initialised, Wall          int64
		Since                      time.Duration
		Monotonic                  uint64
		Getrandom, Crypto, Runtime string
	}{
		guest.Core(), guest.Cores(), guest.Life(), now.Epoch, now.Lives, initialised.UnixNano(), time.Now().UnixNano(),
		time.Since(initialised), monotonic(), fmt.Sprintf("%x", raw), fmt.Sprintf("%x", crypto), fmt.Sprintf("%x", rand.Uint64()),
	})
	if err != nil {
		return err
	}
	fmt.Printf("identity %s\n", text)
	for {
		fmt.Printf("members %v\n", now.Lives)
		next, err := guest.Watch(ctx, now.Epoch)
		if err != nil {
			return err
		}
		if next.Epoch <= now.Epoch {
			return fmt.Errorf("epoch %d after %d", next.Epoch, now.Epoch)
		}
		now = next
	}
}
