package hosted

import (
	"sync/atomic"

	"barreleye/devices/layout"
)

// CountMemory publishes how much memory the process has.
func (c *Core) CountMemory() {
	used, _ := c.status("RssAnon")
	atomic.StoreUint64(&c.block.Counters.FramesUsed, used/layout.PageSize)
	// Linux gives it what it uses: there is nothing between that and the limit but what it
	// is said to have at the start.
	atomic.StoreUint64(&c.block.Counters.FramesTotal, max(used, c.page.RAMSize)/layout.PageSize)
	atomic.StoreUint64(&c.block.Counters.FramesLimit, c.page.RAMEnd/layout.PageSize)
}

// GrowMemory reports whether the process may map so many bytes more: Linux has them
// ready when they are mapped, not before.
func (c *Core) GrowMemory(bytes uint64) bool {
	mapped, err := c.status("VmData")
	return err == nil && mapped <= c.limit && bytes <= c.limit-mapped
}

// ShrinkMemory has nothing to do: what the runtime does not need Linux has back.
func (*Core) ShrinkMemory() uint64 { return 0 }
