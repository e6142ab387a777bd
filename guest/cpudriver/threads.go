package cpudriver

import "barreleye/urpc/trace"

const (
	cloneSetTLS   = 0x0008_0000
	cloneVM       = 0x0000_0100
	cloneThread   = 0x0001_0000
	cloneClearTID = 0x0020_0000
	futexWait     = 0
	futexWake     = 1
	futexOp       = 0x7f // without FUTEX_PRIVATE_FLAG and the clock bit
	archSetFS     = 0x1002
	archGetFS     = 0x1003
)

// sysClone makes a thread; processes cannot be made.
func sysClone(c *context, flags, stack, childTID, tls uint64) uint64 {
	if flags&(cloneVM|cloneThread) != cloneVM|cloneThread {
		unserved(sysCLONE)
		return errno(eNOSYS)
	}
	n := freeContext()
	if n == nil {
		return errno(eAGAIN)
	}
	n.clone(c)
	n.rsp = stack
	if flags&cloneSetTLS != 0 {
		n.fs = tls
	}
	if flags&cloneClearTID != 0 {
		n.clearTID = childTID
	}
	nextTID++
	n.tid = nextTID
	n.state = runnable
	trace.Event(trace.ThreadStart, n.tid, c.tid)
	return n.tid
}

// sysExit ends the calling thread.
func sysExit(c *context) {
	endDispatcher(c)
	if c.clearTID != 0 {
		store32(c.clearTID, 0)
		wakeFutex(c.clearTID, 1)
	}
	c.state = free
	trace.Event(trace.ThreadEnd, c.tid, 0)
}

// sysFutex serves the two operations the runtime uses.
func sysFutex(c *context, addr, op, value, timeout uint64) uint64 {
	switch op & futexOp {
	case futexWait:
		if load32(addr) != uint32(value) {
			return errno(eAGAIN)
		}
		c.deadline = forever
		if timeout != 0 {
			c.deadline = after(load64(timeout)*1e9 + load64(timeout+8))
		}
		c.state, c.wait = inFutex, addr
		if divided {
			division.Lend(int(c.account))
		}
		return 0
	case futexWake:
		return wakeFutex(addr, value)
	}
	return errno(eNOSYS)
}

// wakeFutex makes up to n waiters at addr runnable and returns how many.
func wakeFutex(addr, n uint64) (woken uint64) {
	for i := 0; i < contextsTop && woken < n; i++ {
		c := &contexts[i]
		if c.state == inFutex && c.wait == addr {
			c.resume(0)
			woken++
		}
	}
	return woken
}

// resume ends a blocked call with the given result.
func (c *context) resume(result uint64) {
	c.rax = result
	c.state = runnable
	c.deadline = forever
	c.stopped = 0
}

// sysNanosleep blocks for the timespec at request.
func sysNanosleep(c *context, request uint64) uint64 {
	if monitorSleeps(c) {
		c.deadline = after(load64(request)*1e9 + load64(request+8))
		c.state = asleep
	}
	return 0
}

// sysArchPrctl sets or reads the thread's FS base, where Go keeps its TLS.
func sysArchPrctl(c *context, code, addr uint64) uint64 {
	switch code {
	case archSetFS:
		c.fs = addr
		return 0
	case archGetFS:
		store64(addr, c.fs)
		return 0
	}
	return errno(eINVAL)
}
