package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

// What a program finds where a frame is mapped no more, or not so: a fault, and a line that
// says which frame it was.

// Why a mapping went, as package frames numbers it (Reason); in the bits above the first eight is the core that did it, plus one.
const (
	goneUnmapped = iota + 1
	goneDeleted
	goneRevoked
	goneMoved
)

// gone are the last mappings that went: addresses, and where the frame lies.
var (
	gone     [64]struct{ start, end, frame, why uint64 }
	goneNext uint64
)

// noteGone notes what was mapped at [start, end). What follows the last note is a part of
// the same mapping, since others lie apart.
func noteGone(start, end, why uint64) {
	m, ok := addressSpace.Lookup(start)
	if !ok {
		return
	}
	frame := uint64(m.Frame)*layout.PageSize + (start - m.Start)
	if last := &gone[(goneNext+uint64(len(gone))-1)%uint64(len(gone))]; last.end == start && last.why == why && last.frame+(start-last.start) == frame {
		last.end = end
		return
	}
	g := &gone[goneNext%uint64(len(gone))]
	g.start, g.end, g.frame, g.why = start, end, frame, why
	goneNext++
}

// explainFrame logs what the program did wrong where f is a use of an address for frames.
func explainFrame(f faultInfo) {
	if f.vector != vecPageFault || f.addr < layout.FrameVA || f.addr >= layout.FrameEnd {
		return
	}
	var l line
	if f.err&2 != 0 {
		l.text("write to ")
	} else {
		l.text("read of ")
	}
	if m, ok := addressSpace.Lookup(f.addr); ok {
		l.frame(uint64(m.Frame)*layout.PageSize, m.End-m.Start)
		if m.Prot&boot.Read != 0 {
			l.text(", which is mapped for reading only")
		} else {
			l.text(", which is mapped for no access")
		}
		l.log()
		return
	}
	for i := range gone {
		g := &gone[(goneNext+uint64(len(gone)-1-i))%uint64(len(gone))]
		if f.addr < g.start || f.addr >= g.end {
			continue
		}
		l.frame(g.frame, g.end-g.start)
		switch g.why & 0xff {
		case goneUnmapped:
			l.text(", which is not mapped any more")
		case goneDeleted:
			l.text(", the capability to which was deleted")
		case goneRevoked:
			l.text(", the capability to which was revoked")
		case goneMoved:
			l.text(", the capability to which was moved away")
		}
		if by := g.why >> 8; by != 0 {
			l.text(" by core ")
			l.decimal(by - 1)
		}
		l.log()
		return
	}
	l.text("an address at which no frame is mapped: ")
	l.hex(f.addr)
	l.log()
}

// frame names a frame as capabilities do.
func (l *line) frame(base, size uint64) {
	l.text("Frame ")
	l.hex(base)
	l.text("+")
	l.hex(size)
}

// hex writes a number as fmt's %#x does.
func (l *line) hex(v uint64) {
	l.text("0x")
	const digits = "0123456789abcdef"
	shift := 60
	for shift > 0 && v>>shift == 0 {
		shift -= 4
	}
	for ; shift >= 0; shift -= 4 {
		l.n += copy(l.b[l.n:], digits[v>>shift&15:v>>shift&15+1])
	}
}
