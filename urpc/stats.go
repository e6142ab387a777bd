package urpc

// Stats are what one core knows of its traffic over a duplex channel. They lie on
// the first page of its side: the core is their only writer, anybody may read
// them at any time, and they outlive the core.
//
// The counts are always kept: the one of messages is a store to the own cache, the
// others are touched where a fence, a poll or a sleep is paid for anyway. Latencies
// are recorded where Link.Latency asks for them (sample.go).
type Stats struct {
	Send    SendCounts
	Recv    RecvCounts
	Latency Latency           // of what this core received
	Stamps  [stampCount]Stamp // of what it sent; pairs with Receiver.record
	Cells   Histogram         // of latencies in TSC cycles; they count messages
}

// SendCounts are the sender's counts. Its goroutine is their only writer.
type SendCounts struct {
	Messages uint64
	Batches  uint64 // flushes that had something to flush
	Stalls   uint64 // attempts that found the ring full
	Wakes    uint64 // doorbells rung, because the receiver's core slept
	Parks    uint64 // sleeps until there was room
	_        [3]uint64
}

// RecvCounts are the receiver's counts. Its goroutine is their only writer.
type RecvCounts struct {
	Messages uint64
	Polls    uint64 // attempts that found no message
	Wakes    uint64 // doorbells rung, because the sender's core slept
	Parks    uint64 // sleeps until there was a message
	_        [4]uint64
}

// Latency sums up the latencies in Stats.Cells: the time from just before a
// message was written until the receiver took it.
type Latency struct {
	Taken   uint64 // stamped messages received; the sender looks at it
	Max     uint64 // the longest latency, in TSC cycles
	Refused uint64 // stamps that were of another message or from the future
	_       [5]uint64
}
