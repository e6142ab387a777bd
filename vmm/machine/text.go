package machine

import (
	"iter"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/image"

	"golang.org/x/sys/unix"
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

// NewText lays out the image's read-only parts: its segments as far apart as
// in virtual memory, so that huge pages fit, and the stubs behind them.
func NewText(im *image.Image) (*Text, error) {
	t := &Text{Image: im}
	var base, size uint64
	add := func(va, offset, n uint64, kind, prot uint8) {
		t.parts = append(t.parts, textPart{va, offset, pageUp(n), kind, prot})
		size = max(size, offset+pageUp(n))
	}
	var contents [][]byte
	for _, s := range im.Segments {
		if s.Perm&image.PermW != 0 {
			continue
		}
		if len(t.parts) == 0 {
			base = s.VA &^ (layout.HugeSize - 1)
		}
		kind, prot := uint8(boot.KindReadOnly), uint8(boot.Read)
		if s.Perm&image.PermX != 0 {
			kind, prot = boot.KindText, boot.Read|boot.Exec
		}
		add(s.VA, s.VA-base, s.MemSize, kind, prot)
		contents = append(contents, s.Data)
	}
	if len(im.Stubs) > 0 {
		add(layout.StubVA, size, uint64(len(im.Stubs)), boot.KindStubs, boot.Read|boot.Exec)
		contents = append(contents, im.Stubs)
	}
	var err error
	if t.mem, err = hostmem.Allocate(size); err != nil {
		return nil, err
	}
	t.mem.Advise(0, size&^(layout.HugeSize-1), unix.MADV_HUGEPAGE)
	for i, p := range t.parts {
		copy(t.mem.Bytes[p.offset:], contents[i])
	}
	return t, nil
}

// piece is a range of pages of one size.
type piece struct {
	va, offset, size uint64
	huge             bool
	prot             uint8
}

// pieces yields what to map. What fills 2 MiB is mapped by a huge page, because
// PVM takes a fault of some 28 us for each page that a guest touches first: hello
// touches 283 of its image, and half of its way to main was that. Where text and
// read-only data meet within one, both are executable: nothing of them is writable.
func (t *Text) pieces() iter.Seq[piece] {
	return func(yield func(piece) bool) {
		mapped := uint64(0) // up to this address, by a huge page
		for i, p := range t.parts {
			end := p.va + p.size
			for va := max(p.va, mapped); va < end; va = mapped {
				one := piece{va: va, offset: p.offset + va - p.va, size: layout.PageSize, prot: p.prot}
				if va%layout.HugeSize == 0 && one.offset%layout.HugeSize == 0 {
					if prot, full := t.span(i, va+layout.HugeSize); full {
						one.size, one.huge, one.prot = layout.HugeSize, true, prot
					}
				}
				if !yield(one) {
					return
				}
				mapped = va + one.size
			}
		}
	}
}

// span returns what is allowed in some of the pages from part i to the address
// end, and whether parts lie there without a gap in either memory.
func (t *Text) span(i int, end uint64) (prot uint8, full bool) {
	at, offset := t.parts[i].va, t.parts[i].offset
	for _, p := range t.parts[i:] {
		if p.va != at || p.offset != offset || at >= end {
			break
		}
		prot |= p.prot
		at, offset = at+p.size, offset+p.size
	}
	return prot, at >= end
}

// Close gives the memory back. No machine may use it any more.
func (t *Text) Close() error { return t.mem.Free() }

func pageUp(n uint64) uint64 { return (n + layout.PageSize - 1) &^ (layout.PageSize - 1) }
