package urpc

import (
	"context"
	"runtime"
)

// Sleeper parks goroutines until shared memory changes. In a guest it is the CPU
// driver's watch: the idle loop looks at every armed word, announces its sleep
// (asleep.go), looks again and halts.
type Sleeper interface {
	// Sleep returns nil when *word differs from old, or without a reason, or
	// the context's error when it ends. It loads word by sync/atomic.
	Sleep(ctx context.Context, word *uint64, old uint64) error
}

// Link is what an end knows of the two cores that it connects.
type Link struct {
	Epoch   uint8   // life of the channel, the same at both ends
	Latency bool    // sample latencies into the sides' Stats; a Conn's only
	Bell    *Bell   // wakes the other core; nil if it polls for ever
	Sleeper Sleeper // parks on this core; nil means Yield
	Polls   int     // polls before parking; 0 means DefaultPolls, negative none
}

// Polls of a blocking call. A poll takes about 15 ns, a wake-up from sleep
// 37 us: DefaultPolls spends about as long polling as a sleep would cost.
// After flushPolls without an answer a waiting end wakes its peer: it fences only
// then, because an answer that comes sooner shows that the peer is awake.
const (
	DefaultPolls = 2000
	flushPolls   = 64
)

// Yield is the Sleeper of a core that polls for ever: it lets other goroutines
// run and returns. Such a core never announces a sleep and needs no bell.
type Yield struct{}

// Sleep yields once.
func (Yield) Sleep(ctx context.Context, word *uint64, old uint64) error {
	runtime.Gosched()
	return ctx.Err()
}

// withDefaults fills in what zero values stand for.
func (l Link) withDefaults() Link {
	if l.Sleeper == nil {
		l.Sleeper = Yield{}
	}
	if l.Polls == 0 {
		l.Polls = DefaultPolls
	}
	return l
}

// epoch is the epoch at its place in a header.
func (l *Link) epoch() uint64 { return uint64(l.Epoch) << epochShift }
