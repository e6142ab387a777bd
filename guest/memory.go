package guest

import (
	"errors"
	"runtime/debug"
	"sync/atomic"

	"barreleye/devices/layout"
)

// ErrPrivateMemory says that a core cannot have more private memory.
var ErrPrivateMemory = errors.New("no more private memory: run with a larger --max-memory, or free memory of the host; the log says which")

// MemoryUse says how much private memory a core has: bytes.
type MemoryUse struct {
	Used  uint64 // in use
	Size  uint64 // that there are now
	Limit uint64 // up to which that may grow
}

// Memory returns how much private memory this core has, zeroes on Linux. It grows by itself when the program
// needs more, and shrinks when much of it has become free, which the collector finds out
// after a while, or debug.FreeOSMemory at once.
func Memory() MemoryUse {
	if here == nil {
		return MemoryUse{}
	}
	here.CountMemory()
	n := &here.Region().Block(Core()).Counters
	return MemoryUse{
		Used:  atomic.LoadUint64(&n.FramesUsed) * layout.PageSize,
		Size:  atomic.LoadUint64(&n.FramesTotal) * layout.PageSize,
		Limit: atomic.LoadUint64(&n.FramesLimit) * layout.PageSize,
	}
}

// Grow has so many bytes of private memory free: what the program maps next takes
// nothing of the VMM's time. They stay with the core until Shrink. ErrPrivateMemory where
// it cannot have them; a process may have what its limit leaves.
func Grow(bytes uint64) error {
	if here != nil && !here.GrowMemory(bytes) {
		return ErrPrivateMemory
	}
	return nil
}

// Shrink collects garbage, gives all private memory that is free back to the host, but for what the
// core had at the start, and returns how many bytes that were: 0 in a process, of which Linux
// takes it.
func Shrink() uint64 {
	debug.FreeOSMemory()
	if here == nil {
		return 0
	}
	return here.ShrinkMemory()
}
