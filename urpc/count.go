package urpc

// Counts are the numbers of messages that one core sent and received over a
// duplex channel. Its only writer is that core; anybody may read them at any
// time, and they outlive the core.
type Counts struct {
	Sent, Received uint64
	_              [6]uint64
}
