package main

import (
	crypto "crypto/rand"
	"fmt"
	"math/rand/v2"
	"runtime"
)

// draw prints random numbers of each source there is, which no two cores may share:
// the runtime's generator on this thread and on a new one, and the driver's.
func draw() error {
	fmt.Printf("drew %x by math/rand\n", rand.Uint64())
	var b [16]byte
	if _, err := crypto.Read(b[:]); err != nil {
		return err
	}
	fmt.Printf("drew %x by crypto/rand\n", b)
	drawn := make(chan uint64)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is this goroutine's own
		drawn <- rand.Uint64()
	}()
	fmt.Printf("drew %x on another thread\n", <-drawn)
	return nil
}
