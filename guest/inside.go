package guest

import (
	"runtime"
	"strings"
	"time"
)

// Nothing on an end's fast paths tells that a goroutine is inside, so who must know looks
// at the goroutines' stacks, all at one moment. A goroutine that was interrupted in a
// method of an end may hold a pointer into shared memory; one that waits in a Sleep, or
// between two looks, holds none that it will use again.

// ends is the package of the ends, in the names of functions.
const ends = "barreleye/urpc."

// between are functions that wait and hold nothing between their calls to others: what they
// read of shared memory themselves only ends their wait.
var between = map[string]bool{
	"pause": true, "Pause": true,
	"(*Receiver).Recv": true, "(*Sender).Send": true, "(*Sender).waitRoom": true,
	"(*BulkReceiver).Recv": true, "(*BulkReceiver).Wait": true, "(*BulkSender).Send": true, "(*BulkSender).WaitRoom": true,
	"(*CallClient).Call": true, "(*CallClient).timed": true, "(*CallServer).Accept": true, "(*callEnd).wait": true,
	"(*Select).Wait": true, "(*Select).poll": true, "(*Parking).Sleep": true,
}

// waitOutside returns once every goroutine that is in a method of an end has been seen
// outside. Pointers to be given up must have been turned before.
func waitOutside() {
	for wait := time.Duration(0); inside(); wait = min(wait+20*time.Microsecond, time.Millisecond) {
		time.Sleep(wait)
	}
}

// inside reports whether any goroutine is in a method of an end.
func inside() bool {
	stacks := make([]runtime.StackRecord, runtime.NumGoroutine()+8)
	n, ok := runtime.GoroutineProfile(stacks)
	for !ok {
		stacks = make([]runtime.StackRecord, n+8)
		n, ok = runtime.GoroutineProfile(stacks)
	}
	for i := range stacks[:n] {
		if holdsEnd(stacks[i].Stack()) {
			return true
		}
	}
	return false
}

// holdsEnd judges a stack by its innermost function that is not the runtime's.
func holdsEnd(stack []uintptr) bool {
	frames := runtime.CallersFrames(stack)
	for {
		f, more := frames.Next()
		name, of := strings.CutPrefix(f.Function, ends)
		switch {
		case of && starts(f):
			// interrupted before its first instruction: what called it counts
		case of:
			return !between[name]
		case !strings.HasPrefix(f.Function, "runtime."):
			return false
		}
		if !more {
			return false
		}
	}
}

// starts reports whether a function was interrupted where its stack is checked, which is
// the line of its declaration.
func starts(f runtime.Frame) bool {
	if f.Func == nil {
		return false // inlined
	}
	_, line := f.Func.FileLine(f.Entry)
	return f.Line == line
}
