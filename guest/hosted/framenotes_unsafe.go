package hosted

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/guest/frames"
	"barreleye/guest/monitor/vspace"
)

// What the handler of faults says of an address for frames, as the CPU driver does in a
// virtual machine: notes that are written beforehand, since a handler can do next to nothing.

// frameNote is what using some memory means.
type frameNote struct {
	start, size uintptr // size 0: no note
	length      uint8
	text        [111]byte
}

// frameNoteCount is how many of the last notes are kept.
const frameNoteCount = 256

const (
	frameNoteSize   = unsafe.Sizeof(frameNote{})
	frameNoteLength = unsafe.Offsetof(frameNote{}.length)
	frameNoteText   = unsafe.Offsetof(frameNote{}.text)
)

// Words for the handler of faults, set before they are needed.
var (
	framesStart, framesSize uintptr // addresses that frames are mapped at
	frameNotes              uintptr // outside the heap
)

// noted is what notes are made from.
type noted struct {
	list  *[frameNoteCount]frameNote
	next  int
	spans []span
}

// span is memory that steps have filled.
type span struct{ start, size, frame uint64 }

// open makes room for notes.
func (n *noted) open() error {
	// shared memory does not count against the core's limit
	at, err := mmap(0, frameNoteCount*frameNoteSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_ANON, -1)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	n.list = *(**[frameNoteCount]frameNote)(unsafe.Pointer(&at))
	frameNotes, framesStart, framesSize = at, layout.FrameVA, layout.FrameEnd-layout.FrameVA
	return nil
}

// keep keeps the notes true to steps that were done.
func (n *noted) keep(steps []vspace.Step, why frames.Why) {
	for _, s := range steps {
		if s.Op == vspace.Fill {
			n.fill(span{s.Addr, s.Pieces, s.Frame})
		}
	}
	for _, s := range steps {
		n.step(s, why)
	}
}

func (n *noted) step(s vspace.Step, why frames.Why) {
	switch s.Op {
	case vspace.Fill, vspace.Change:
		n.protected(s.Addr, s.Pieces, s.Prot)
	case vspace.Clear:
		text := map[frames.Reason]string{
			frames.Unmapped: "which is not mapped any more", frames.Deleted: "the capability to which was deleted",
			frames.Revoked: "the capability to which was revoked", frames.Moved: "the capability to which was moved away",
		}[why.Reason]
		if why.By >= 0 {
			text += fmt.Sprintf(" by core %d", why.By)
		}
		n.forget(s.Addr, s.Pieces)
		n.note(s.Addr, s.Pieces, text)
		for i := range n.spans {
			if m := &n.spans[i]; s.Addr >= m.start && s.Addr+s.Pieces == m.start+m.size {
				n.spans = append(n.spans[:i], n.spans[i+1:]...) // its last piece
				break
			}
		}
	}
}

// fill adds a span, to the last one where it goes on.
func (n *noted) fill(f span) {
	if i := len(n.spans) - 1; i >= 0 {
		if m := &n.spans[i]; m.start+m.size == f.start && m.frame+m.size == f.frame {
			m.size += f.size
			return
		}
	}
	n.spans = append(n.spans, f)
}

func (n *noted) protected(start, size uint64, prot uint8) {
	n.forget(start, size)
	switch prot & (boot.Read | boot.Write) {
	case 0:
		n.note(start, size, "which is mapped for no access")
	case boot.Read:
		n.note(start, size, "which is mapped for reading only")
	}
}

// forget drops notes on memory, whatever else they are on.
func (n *noted) forget(start, size uint64) {
	for i := range n.list {
		if f := &n.list[i]; uint64(f.start) < start+size && start < uint64(f.start+f.size) {
			f.size = 0
		}
	}
}

// note writes down what using memory of a span means.
func (n *noted) note(start, size uint64, text string) {
	for _, m := range n.spans {
		if start < m.start || start >= m.start+m.size {
			continue
		}
		f := &n.list[n.next%frameNoteCount]
		n.next++
		f.size = 0
		f.start = uintptr(start)
		f.length = uint8(copy(f.text[:], fmt.Appendf(nil, "use of Frame %#x+%#x, %s\n", m.frame, m.size, text)))
		f.size = uintptr(size)
		return
	}
}
