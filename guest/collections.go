package guest

import (
	"runtime/debug"
	"sync"
)

// collections publishes what the program's collector has done. Its buffers are kept, so
// that this need not allocate each time.
var collections struct {
	sync.Mutex
	stats debug.GCStats
}

// publishCollections writes into the core's block how often the collector ran and for
// how long it stopped the program in all. It returns the number, and the last pause in
// ns. It stops nobody.
func publishCollections() (number, pause uint64) {
	c := &collections
	c.Lock()
	defer c.Unlock()
	debug.ReadGCStats(&c.stats)
	if len(c.stats.Pause) > 0 {
		pause = uint64(c.stats.Pause[0])
	}
	b := here.Region().Block(Core())
	b.Collections.Store(uint64(c.stats.NumGC))
	b.PauseNS.Store(uint64(c.stats.PauseTotal))
	return uint64(c.stats.NumGC), pause
}
