package dispatcher

import (
	"runtime"
	"sync"
	"time"

	"barreleye/guest"
	"barreleye/guest/cpudriver"
	"barreleye/urpc"
)

// port is where a dispatcher waits for its upcalls, and what callers reach it by:
// the CPU driver's (driver.go), or one made of the runtime's means, in a Linux
// process (thread.go). Its loop's thread makes it and uses receive, reply, last and end;
// the rest is for all.
type port interface {
	driverName() uint64
	receive(timeout time.Duration) upcall
	reply(status uint64, answer Message, timeout time.Duration) upcall // and receive
	last(status uint64, answer Message)                                // a reply, before the end
	end()

	call(index uint64, m Message) (Message, uint64) // where there is no driver
	kick()
	join() bool // has the calling thread run on the dispatcher's share
	share(o Options)
	ran() time.Duration

	// watch has the dispatcher kicked, and changed name the place, when a word of the
	// shared region is no longer old.
	watch(place int, p urpc.Parking) error
	unwatch(place int)
	changed() []uint32
}

// upcall is what a dispatcher is called for.
type upcall struct {
	kind  uint64
	about uint64
	m     Message
}

const (
	upcallMessage = cpudriver.UpcallMessage
	upcallRun     = cpudriver.UpcallRun
)

// newPort makes the calling thread a dispatcher's.
func newPort(o Options) (port, error) {
	if cpudriver.InGuest() {
		return newDriverPort(o)
	}
	return newThreadPort(o), nil
}

// Ps of the runtime: one for each thread that belongs to a domain, so that the
// driver and not the runtime divides the core among them, and one for all others.
var procs struct {
	sync.Mutex
	threads int // of domains
}

// reserve has the runtime keep a P for n more threads. Fewer are never asked for: a
// change stops the world.
func reserve(n int) {
	procs.Lock()
	defer procs.Unlock()
	procs.threads += n
	if guest.Running() && runtime.GOMAXPROCS(0) < procs.threads+1 {
		runtime.GOMAXPROCS(procs.threads + 1)
	}
}

func release(n int) {
	procs.Lock()
	defer procs.Unlock()
	procs.threads -= n
}
