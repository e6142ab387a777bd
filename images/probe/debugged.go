package main

import (
	"context"
	"fmt"
	"time"
)

// What a debugger looks at and sets.
var (
	debugRounds int
	debugLeft   bool
)

// debugged works, sleeps, and does so again until a debugger has set a variable, or
// made the number of rounds negative.
func debugged(context.Context) error {
	fmt.Println("rounds begin")
	for !debugLeft && debugRounds >= 0 {
		debugRounds = debugRound(debugRounds)
		time.Sleep(200 * time.Microsecond)
	}
	fmt.Println("the debugger left")
	return nil
}

// debugRound is where breakpoints are set. It makes a system call.
//
//go:noinline
func debugRound(n int) int {
	next := debugNext(n)
	time.Sleep(0)
	return next
}

//go:noinline
func debugNext(n int) int {
	return n + 1
}
