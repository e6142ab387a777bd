package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

// pipeSize is a pipe's buffer in bytes; it is mapped like program memory.
const pipeSize = 64 << 10

func sysPipe(result, flags uint64) uint64 {
	nonblock := flags&openNonblock != 0
	r := newFile(pipeRead, nonblock)
	w := newFile(pipeWrite, nonblock)
	if r < 0 || w < 0 {
		if r >= 0 {
			files[r].kind = closed
		}
		return errno(eMFILE)
	}
	buffer := sysMmap(0, pipeSize, boot.Read|boot.Write, mapAnonymous)
	if buffer < layout.PageSize || buffer >= layout.MmapEnd {
		files[r].kind, files[w].kind = closed, closed
		return buffer
	}
	files[r].a, files[r].peer = buffer, uint16(w)
	files[w].peer = uint16(r)
	store32(result, uint32(r))
	store32(result+4, uint32(w))
	return 0
}

func readPipe(c *context, f *file, fd, buffer, n uint64) uint64 {
	if f.b == 0 {
		if f.peer == 0 || n == 0 {
			return 0
		}
		return f.block(c, fd)
	}
	n = min(n, f.b)
	first := min(n, pipeSize-f.c)
	copy(bytesAt(buffer, first), bytesAt(f.a+f.c, first))
	copy(bytesAt(buffer+first, n-first), bytesAt(f.a, n-first))
	f.c = (f.c + n) % pipeSize
	f.b -= n
	if f.peer != 0 {
		notify(int(f.peer), pollOut)
	}
	return n
}

// writePipe writes what fits; a blocking write goes on until all is written.
func writePipe(c *context, f *file, fd, buffer, n uint64) uint64 {
	if f.peer == 0 {
		return errno(ePIPE)
	}
	r := &files[f.peer]
	for c.progress < n {
		if r.b == pipeSize {
			if f.nonblock && c.progress > 0 {
				return c.progress
			}
			return f.block(c, fd)
		}
		at := (r.c + r.b) % pipeSize
		step := min(n-c.progress, pipeSize-r.b, pipeSize-at)
		copy(bytesAt(r.a+at, step), bytesAt(buffer+c.progress, step))
		r.b += step
		c.progress += step
		notify(int(f.peer), pollIn)
	}
	return n
}

// closePipe closes one end; the buffer goes with the reading end.
func closePipe(f *file) {
	if f.kind == pipeRead {
		sysMunmap(f.a, pipeSize)
	}
	if f.peer == 0 {
		return
	}
	other := &files[f.peer]
	other.peer = 0
	if other.kind == pipeRead {
		notify(int(f.peer), pollIn|pollHup)
	} else {
		notify(int(f.peer), pollOut|pollErr)
	}
}
