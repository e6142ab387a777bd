// Package hosted is the guest's half of the hosted platform: the core is a Linux
// process, pinned to a CPU, that runs the same image as a virtual machine would,
// over the same shared region at the same address. Linux takes the CPU driver's
// place but for what makes a core of a process: its doorbell and its idle loop
// (poller.go), which keep the wake-up protocol of urpc.
//
// What the process inherits is described in package devices/inherit.
package hosted

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"barreleye/devices/boot"
	"barreleye/devices/doorbell"
	"barreleye/devices/inherit"
	"barreleye/devices/region"
	"barreleye/urpc"
	"barreleye/urpc/trace"
)

// Core is this process as a core.
type Core struct {
	page  *boot.Page
	view  region.View
	block *region.Block
	bell  *os.File // its doorbell
	watch watches
	idle  idling
	proc  *os.Root // what Linux tells of this process
	limit uint64   // bytes that it may have mapped writable

	mu    sync.Mutex // files are being added
	files *os.Root   // what the program sees as files; nil: the host's
}

// Given reports whether this process was started as a hosted core.
func Given() bool { return os.Getenv(inherit.Variable) != "" }

// Attach takes what the process inherited and starts the idle loop.
func Attach() (*Core, error) {
	if got, want := os.Getenv(inherit.Variable), inherit.Value(); got != want {
		return nil, fmt.Errorf("hosted core: ABI %q of the VMM, the image has %s: rebuild the image with this VMM's version", got, want)
	}
	os.Unsetenv(inherit.Variable)
	c := &Core{}
	if err := c.mapMemory(); err != nil {
		return nil, err
	}
	var err error
	if c.proc, err = os.OpenRoot("/proc/self"); err != nil {
		return nil, fmt.Errorf("hosted core: %w: mount /proc", err)
	}
	if err := c.isolate(); err != nil {
		return nil, err
	}
	if err := c.seal(); err != nil {
		return nil, err
	}
	c.block = c.view.Block(c.Core())
	c.block.State.Store(region.StateBooting)
	// one CPU: as in a guest nothing comes between but what is interrupted
	trace.Begin(c.view.Trace(c.Core()), trace.Set(c.view.VMM(c.Core()).Trace.Load()), runtime.NumCPU() > 1)
	c.bell = os.NewFile(uintptr(inherit.BellOf(c.Core())), "doorbell")
	if runtime.GOMAXPROCS(0) != 1 {
		runtime.GOMAXPROCS(1) // a core is one CPU, wherever Linux lets it run
	}
	if err := c.limitMemory(); err != nil {
		return nil, err
	}
	c.idle.poll.Store(c.PollCycles())
	c.idle.state.Store(region.PowerHalt)
	if c.page.Flags&boot.FlagPark != 0 {
		c.idle.state.Store(region.PowerPark)
	}
	c.PublishMaps(0) // so that there is one if nobody ever asks
	go c.poll()
	go c.followTrace()
	return c, nil
}

// followTrace notes what the VMM wants to have noted, as that changes.
func (c *Core) followTrace() {
	wanted := &c.view.VMM(c.Core()).Trace
	for {
		kinds := wanted.Load()
		trace.Choose(trace.Set(kinds))
		// it ends with the process
		_ = c.watch.Sleep(context.Background(), traceWord(&c.view, c.Core()), kinds)
	}
}

// limitMemory makes Linux refuse what would not fit the core's private memory.
// The limit counts writable memory that is mapped, touched or not, so the
// image's own data, of which a core touches little, is not held against it.
func (c *Core) limitMemory() error {
	mapped, err := c.status("VmData")
	if err != nil {
		return err
	}
	limit := mapped + c.page.RAMEnd
	c.limit = limit
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		return fmt.Errorf("hosted core: limit of %d MiB of memory: %w: raise the limit on data (ulimit -d)", limit>>20, err)
	}
	return nil
}

// Core returns this core's index, Cores how many there are, Life which of its
// lives this is.
func (c *Core) Core() int    { return int(c.page.Core) }
func (c *Core) Cores() int   { return int(c.page.Cores) }
func (c *Core) Life() uint64 { return c.page.Life }

// Region returns the view of the shared region.
func (c *Core) Region() *region.View { return &c.view }

// PollCycles returns how long the idle loop polls before it sleeps.
func (c *Core) PollCycles() uint64 { return c.page.PollCycles }

// Ticks reports that Linux interrupts the core while it computes.
func (c *Core) Ticks() bool { return true }

// Ring rings the doorbell of core i (doorbell.VMM for the VMM): a system call.
func (c *Core) Ring(i int) {
	if i == doorbell.VMM {
		i = c.view.Cores
	}
	atomic.AddUint64(&c.block.Counters.Rings, 1)
	trace.Event(trace.Bell, uint64(i), 0)
	one := [8]byte{1}
	// Only a full counter could refuse, and then a ring is pending already.
	_, _ = syscall.Write(inherit.BellOf(i), one[:])
}

// Sleeper parks goroutines until a word of the shared region changes.
func (c *Core) Sleeper() urpc.Sleeper { return &c.watch }
