package cpudriver

import (
	"barreleye/devices/region"
	"barreleye/urpc/trace"
	"sync/atomic"
)

// Every event of this core arrives here, is served to its end, and leaves. The
// entries of critical_amd64.s call the serve functions with the event's context
// saved; when they return, ·leave resumes the context that is then current.

// arrive counts an event (region.Event*): it is the first thing done for each. Its
// trace record is written behind it.
func arrive(kind uint64) {
	b := block()
	b.Progress++
	b.Counters.Events[kind%region.EventKinds]++
}

// serve serves a system call, or a call of package guest to its driver, of the
// context c. It is entered from syscallEntry.
func serve(c *context) {
	if !booted {
		startUp()
	}
	switch {
	case trapCount != trapsServed:
		trapsServed = trapCount
		arrive(region.EventTrap)
	case c.rax == callHandOver, c.rax == callReply:
		arrive(region.EventLocal)
	case c.rax >= firstCall:
		arrive(region.EventCall)
	default:
		arrive(region.EventSyscall)
	}
	if trace.On(trace.Syscall) {
		noteSyscall(c)
	}
	dispatch(c)
	if c.state != runnable && running() == c {
		schedule()
	}
	deliverPending()
}

// trapsServed is how many system calls came by the trap route; trapCount counts
// them in assembly.
var trapsServed uint64

// serveException serves an exception of the program in the context c: memory
// that is to be there on first touch, or a signal. It is entered from
// exceptionEntry.
func serveException(c *context) {
	f := trapped()
	if !booted {
		crash(c, f, 0) // before the runtime's first system call
	}
	arrive(region.EventException)
	trace.Event(trace.Exception, f.vector, c.rip)
	if !f.touched() {
		raise(c, f)
	}
}

// serveDriverFault serves an exception inside the driver, whose registers c
// holds. Those that are no bugs are the first touch of a sparse mapping through a
// pointer that the program passed in, and what the program's flags make of the
// driver's instructions. It is entered from exceptionEntry, on the panic stack, and
// resumes the driver.
func serveDriverFault(c *context) {
	f := trapped()
	if booted {
		arrive(region.EventFault)
		trace.Event(trace.Exception, f.vector, c.rip)
		if f.touched() || c.absorb(f.vector) {
			return
		}
		explainPage(f) // which the program passed in
	}
	crash(c, f, 1)
}

// serveInterrupt serves ticks and doorbells, whether they interrupted the
// program or came while the driver ran. The current context goes to the end of
// the queue. It is entered from interruptEntry and leave.
func serveInterrupt() {
	events := takePending()
	if events&pendingTick != 0 {
		sampleTick()
	}
	lookWhileBusy(events)
	schedule()
	deliverPending()
}

// takePending lets the recorded interrupts arrive and returns them. The idle loop
// takes those here that end its waits.
func takePending() (events uint64) {
	events = atomic.SwapUint64(&pending, 0)
	if kinds := kindsWanted(); kinds != trace.Kinds() {
		trace.Choose(kinds)
	}
	if events&pendingTick != 0 {
		arrive(region.EventTick)
		trace.Event(trace.Tick, 0, running().tid)
		stands = rearm
		if spread := bootPage().TickSpread; spread != 0 {
			rearm = uint32(bootPage().TickCount + generator.Uint64()%spread)
		}
	}
	if events&pendingDoorbell != 0 {
		arrive(region.EventDoorbell)
		trace.Event(trace.Doorbell, 0, running().tid)
	}
	if events&pendingStep != 0 {
		contextAt(stepped).stepOn()
	}
	return events
}
