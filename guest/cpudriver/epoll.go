package cpudriver

// epoll as the runtime's netpoller uses it: each descriptor is registered with
// one epoll descriptor, level- or edge-triggered.

const (
	pollIn    = 0x1
	pollOut   = 0x4
	pollErr   = 0x8
	pollHup   = 0x10
	pollEdge  = 1 << 31
	epollAdd  = 1
	epollDel  = 2
	epollMod  = 3
	eventSize = 12 // struct epoll_event is packed on x86-64
)

func sysEpollCreate() uint64 {
	fd := newFile(poller, false)
	if fd < 0 {
		return errno(eMFILE)
	}
	return uint64(fd)
}

func sysEpollCtl(epfd, op, fd, event uint64) uint64 {
	ep, f := fileOf(epfd), fileOf(fd)
	if ep == nil || f == nil {
		return errno(eBADF)
	}
	if ep.kind != poller {
		return errno(eINVAL)
	}
	mine := f.poll == uint16(epfd)+1
	switch op {
	case epollAdd:
		if f.kind == console || f.kind == poller || f.kind == regular || f.kind == folder {
			return errno(ePERM) // not pollable
		}
		if f.poll != 0 {
			return errno(eEXIST)
		}
		f.poll, f.slot = uint16(epfd)+1, uint16(polledN)
		polled[polledN] = uint16(fd)
		polledN++
	case epollMod:
		if !mine {
			return errno(eNOENT)
		}
	case epollDel:
		if !mine {
			return errno(eNOENT)
		}
		unregister(f)
		return 0
	default:
		return errno(eINVAL)
	}
	f.events, f.data = load32(event), load64(event+4)
	f.edge = readiness(f)
	fileEvents++
	return 0
}

func unregister(f *file) {
	polledN--
	last := polled[polledN]
	polled[f.slot] = last
	files[last].slot = f.slot
	f.poll = 0
}

// readiness returns the epoll events that hold for f now.
func readiness(f *file) uint32 {
	switch f.kind {
	case counter:
		if f.a != 0 {
			return pollIn | pollOut
		}
		return pollOut
	case watch:
		if f.c != watchIdle {
			return pollIn
		}
	case pipeRead:
		r := uint32(0)
		if f.b != 0 {
			r |= pollIn
		}
		if f.peer == 0 {
			r |= pollHup
		}
		return r
	case pipeWrite:
		if f.peer == 0 {
			return pollErr | pollOut
		}
		if files[f.peer].b < pipeSize {
			return pollOut
		}
	}
	return 0
}

// collect writes up to n ready events of epoll descriptor epfd to buffer and
// returns how many there were.
func collect(epfd, buffer, n uint64) (found uint64) {
	for i := 0; i < polledN && found < n; i++ {
		f := &files[polled[i]]
		if f.poll != uint16(epfd)+1 {
			continue
		}
		events := f.edge
		if f.events&pollEdge == 0 {
			events = readiness(f)
		}
		events &= f.events | pollErr | pollHup
		if events == 0 {
			continue
		}
		f.edge = 0
		store32(buffer+found*eventSize, events)
		store64(buffer+found*eventSize+4, f.data)
		found++
	}
	return found
}

func sysEpollPwait(c *context, epfd, buffer, n, timeout uint64) uint64 {
	ep := fileOf(epfd)
	if ep == nil || ep.kind != poller {
		return errno(eBADF)
	}
	lookAtSome()
	if found := collect(epfd, buffer, n); found != 0 {
		return found
	}
	ms := int32(timeout)
	switch {
	case ms == 0:
		return 0
	case ms < 0:
		c.deadline = forever
	case ms == 1:
		c.deadline = after(pollSlice())
	default:
		c.deadline = after(uint64(ms) * 1e6)
	}
	c.state, c.wait, c.progress = inPoll, epfd, fileEvents
	return 0
}
