package cpudriver

// maxFiles bounds the descriptors of one core.
const maxFiles = 2048

// file is one descriptor. Only the driver writes it.
type file struct {
	kind     uint8
	nonblock bool
	peer     uint16 // pipes: the other end, 0 when closed; watches: places of a set, 0 for one word
	poll     uint16 // 1 + the epoll descriptor it is registered with
	slot     uint16 // its place in polled
	events   uint32 // epoll: events asked for
	edge     uint32 // epoll: edges not yet reported
	data     uint64 // epoll: what to report

	a, b, c uint64 // by kind
	owner   uint64 // of a watch: the dispatcher that reads it, or 0
}

// Kinds of descriptors.
const (
	closed    = iota
	console   // 0, 1, 2
	counter   // eventfd: a = count
	poller    // epoll
	pipeRead  // a = address, b = bytes buffered, c = offset of the first
	pipeWrite // peer is the reading end
	watch     // a = a set's memory, b = places of it that changed; or a = 0, b = 1 + where its word is armed; c = watchIdle, watchFired, watchLate
	regular   // a = its place in a tree, b = offset
	folder    // a = its place in a tree, b = entries already listed
)

var (
	files      [maxFiles]file
	filesTop   int    // one past the highest descriptor ever used
	fileEvents uint64 // grows when any descriptor may have become ready
	polled     [maxFiles]uint16
	polledN    int // descriptors registered with epoll, dense in polled
)

func initFiles() {
	for i := range 3 {
		files[i].kind = console
	}
	filesTop = 3
}

// newFile returns a free descriptor made ready for kind, or -1.
func newFile(kind uint8, nonblock bool) int {
	for i := 3; i < maxFiles; i++ {
		if files[i].kind == closed {
			files[i] = file{kind: kind, nonblock: nonblock}
			filesTop = max(filesTop, i+1)
			return i
		}
	}
	return -1
}

// fileOf returns an open descriptor, or nil.
func fileOf(fd uint64) *file {
	if fd >= uint64(filesTop) || files[fd].kind == closed {
		return nil
	}
	return &files[fd]
}

// notify records that descriptor fd became ready for the given epoll events:
// calls blocked on it are issued again.
func notify(fd int, events uint32) {
	files[fd].edge |= events
	fileEvents++
	for i := 0; i < contextsTop; i++ {
		if c := &contexts[i]; c.state == onFile && c.wait == uint64(fd) {
			c.state = again
		}
	}
}

// block makes c wait for descriptor fd, or answers EAGAIN where it must not.
func (f *file) block(c *context, fd uint64) uint64 {
	if f.nonblock {
		return errno(eAGAIN)
	}
	c.state, c.wait = onFile, fd
	return 0
}

func sysRead(c *context, fd, buffer, n uint64) uint64 {
	f := fileOf(fd)
	if f == nil {
		return errno(eBADF)
	}
	switch f.kind {
	case console:
		return readInput(c, fd, buffer, n)
	case regular:
		return readRegular(c, f, buffer, n)
	case folder:
		return errno(eISDIR)
	case counter:
		if n < 8 {
			return errno(eINVAL)
		}
		if f.a == 0 {
			return f.block(c, fd)
		}
		store64(buffer, f.a)
		f.a = 0
		return 8
	case watch:
		return readWatch(c, f, fd, buffer, n)
	case pipeRead:
		return readPipe(c, f, fd, buffer, n)
	}
	return errno(eINVAL)
}

func sysWrite(c *context, fd, buffer, n uint64) uint64 {
	f := fileOf(fd)
	if f == nil {
		return errno(eBADF)
	}
	switch f.kind {
	case console:
		return writeLog(c, byte(max(fd, 1)), buffer, n)
	case counter:
		if n < 8 {
			return errno(eINVAL)
		}
		f.a += load64(buffer)
		notify(int(fd), pollIn)
		return 8
	case pipeWrite:
		return writePipe(c, f, fd, buffer, n)
	}
	return errno(eBADF)
}

func sysClose(fd uint64) uint64 {
	f := fileOf(fd)
	if f == nil {
		return errno(eBADF)
	}
	switch f.kind {
	case pipeRead, pipeWrite:
		closePipe(f)
	case watch:
		closeWatch(fd)
	case poller:
		for i := polledN - 1; i >= 0; i-- {
			if p := &files[polled[i]]; p.poll == uint16(fd)+1 {
				unregister(p)
			}
		}
	}
	if f.poll != 0 {
		unregister(f)
	}
	f.kind = closed
	notify(int(fd), 0)
	return 0
}

func sysEventfd(initial, flags uint64) uint64 {
	fd := newFile(counter, flags&openNonblock != 0)
	if fd < 0 {
		return errno(eMFILE)
	}
	files[fd].a = uint64(uint32(initial))
	return uint64(fd)
}

const (
	openNonblock  = 0x800
	openReadWrite = 2
	openWriteOnly = 1

	fcntlDupCloexec = 1030
	fcntlGetFD      = 1
	fcntlSetFD      = 2
	fcntlGetFlags   = 3
	fcntlSetFlags   = 4
)

func sysFcntl(fd, command, argument uint64) uint64 {
	f := fileOf(fd)
	if f == nil {
		return errno(eBADF)
	}
	switch command {
	case fcntlGetFD, fcntlSetFD:
		return 0
	case fcntlGetFlags:
		flags := uint64(openReadWrite)
		switch {
		case f.kind == pipeRead || f.kind == regular || f.kind == folder || fd == 0:
			flags = 0
		case f.kind == pipeWrite || f.kind == console:
			flags = openWriteOnly
		}
		if f.nonblock {
			flags |= openNonblock
		}
		return flags
	case fcntlSetFlags:
		f.nonblock = argument&openNonblock != 0
		return 0
	}
	return errno(eINVAL)
}
