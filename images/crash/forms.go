package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
)

// sink keeps the compiler from dropping what is computed for its effect only.
var sink any

var nowhere *struct{ value int }

func dereferenceNil([]string) error {
	return fmt.Errorf("the value at nil is %d", nowhere.value)
}

func recoverNil([]string) error {
	defer func() {
		fmt.Printf("recovered: %v\n", recover())
		os.Exit(0)
	}()
	return dereferenceNil(nil)
}

func indexOutOfRange([]string) error {
	list, index := make([]int, 3), 3
	sink = &index
	return fmt.Errorf("element %d is %d", index, list[index])
}

func panicGoroutine([]string) error {
	go func() { panic("the goroutine's own words") }()
	select {}
}

// maxStack is low enough to be reached before memory is exhausted.
const maxStack = 16 << 20

func overflow([]string) error {
	debug.SetMaxStack(maxStack)
	return fmt.Errorf("recursion ended at %d", descend(0))
}

func descend(depth int) int {
	var frame [64]int
	frame[depth%len(frame)] = depth
	return descend(depth+1) + frame[(depth+1)%len(frame)]
}

func exhaust([]string) error {
	// The collector wants memory too; Go 1.26's dies of a nil pointer where it
	// is the first to get none.
	debug.SetGCPercent(-1)
	var hoard [][]byte
	for {
		b := make([]byte, 4<<20)
		for i := 0; i < len(b); i += 4 << 10 {
			b[i] = 1
		}
		hoard = append(hoard, b)
		sink = hoard
	}
}

func divideByZero([]string) error {
	divide()
	return nil
}

func undefined([]string) error {
	undefinedInstruction()
	return nil
}

func privileged([]string) error {
	privilegedInstruction()
	return nil
}

func exit(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("exit needs a code: crash exit 3")
	}
	code, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("exit: %w", err)
	}
	os.Exit(code)
	return nil
}
