package rpc

import "barreleye/urpc"

// Channel carries lines in order, both ways. *urpc.Conn is one; package inproc
// has one for tests. A Conn never uses it from two goroutines at a time. What the
// methods do, and their errors, is said at those of urpc.Sender and urpc.Receiver.
type Channel interface {
	TrySend(*urpc.Message) error
	Flush()
	ArmRoom() (p urpc.Parking, ready bool)
	TryRecv(*urpc.Message) error
	Arm() (p urpc.Parking, ready bool)
	Polls() int
	Close()
}

// Defaults and limits of a Config.
const (
	DefaultInFlight = 64
	MaxInFlight     = 1 << 16
	DefaultMaxBytes = 64 << 10
	MaxMaxBytes     = 1 << 30
)

// Config is what both ends of a channel must agree on.
type Config struct {
	// InFlight is how many calls may be under way in each direction. Whoever
	// begins one more waits. 0 means DefaultInFlight.
	InFlight int
	// MaxBytes is the most that the arguments of a call, or its results, may
	// have in bytes. 0 means DefaultMaxBytes.
	MaxBytes int
	// Services answer the peer's calls. An end without any takes none.
	Services []Service
}
