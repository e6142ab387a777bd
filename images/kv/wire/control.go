package wire

import (
	"fmt"

	"barreleye/urpc"
)

// Types of the messages around the requests. Their words are plain numbers.
const (
	// Load core to shard: nothing follows. Words: gets, puts, deletes sent.
	TypeDone = 32 + iota
	// Shard to load core, the answer to TypeDone: gets, puts, deletes served.
	TypeServed
	// Load core to core 0: its keys are stored, it is warm.
	TypeReady
	// Core 0 to load core: all are ready, begin.
	TypeGo
	// Load core to core 0: operations measured, TSC of begin and end.
	TypeTotals
	// Load core to core 0: a latency in cycles, and how many operations took it.
	TypeLatency
	// Load core to core 0: that was all.
	TypeEnd
)

// Control makes a message of numbers, seven at most.
func Control(kind uint16, numbers ...uint64) urpc.Message {
	m := urpc.Message{Type: kind, Len: uint8(8 * len(numbers))}
	copy(m.Words[:], numbers)
	return m
}

// WantControl reports a message that is not of that type and number of numbers.
func WantControl(m *urpc.Message, kind uint16, numbers int) error {
	if m.Type != kind || int(m.Len) != 8*numbers {
		return fmt.Errorf("message of type %d and %d bytes, want type %d and %d bytes: %w", m.Type, m.Len, kind, 8*numbers, ErrMalformed)
	}
	return nil
}
