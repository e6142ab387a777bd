package machine

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/image"
)

// Text is the part of an image that cannot change: patched text, read-only
// data and stubs. It is laid out once and all guests map it.
type Text struct {
	Image *image.Image
	mem   *hostmem.Memory
	parts []textPart
}

// textPart is one range of the shared memory and where guests see it.
type textPart struct {
	va, offset, size uint64
	kind, prot       uint8
}

// NewText lays out the image's read-only parts.
func NewText(im *image.Image) (*Text, error) {
	t := &Text{Image: im}
	var size uint64
	add := func(va, n uint64, kind, prot uint8) {
		n = pageUp(n)
		t.parts = append(t.parts, textPart{va, size, n, kind, prot})
		size += n
	}
	var contents [][]byte
	for _, s := range im.Segments {
		switch {
		case s.Perm&image.PermW != 0:
			continue
		case s.Perm&image.PermX != 0:
			add(s.VA, s.MemSize, boot.KindText, boot.Read|boot.Exec)
		default:
			add(s.VA, s.MemSize, boot.KindReadOnly, boot.Read)
		}
		contents = append(contents, s.Data)
	}
	if len(im.Stubs) > 0 {
		add(layout.StubVA, uint64(len(im.Stubs)), boot.KindStubs, boot.Read|boot.Exec)
		contents = append(contents, im.Stubs)
	}
	var err error
	if t.mem, err = hostmem.Allocate(size); err != nil {
		return nil, err
	}
	for i, p := range t.parts {
		copy(t.mem.Bytes[p.offset:], contents[i])
	}
	return t, nil
}

// Free gives the memory back. No machine may use it any more.
func (t *Text) Free() error { return t.mem.Free() }

func pageUp(n uint64) uint64 { return (n + layout.PageSize - 1) &^ (layout.PageSize - 1) }
