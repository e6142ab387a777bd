package image

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"

	"barreleye/devices/layout"
)

// loadSegments returns the PT_LOAD segments of f in ascending order. Their Data
// alias file.
func loadSegments(f *elf.File, file []byte) ([]Segment, error) {
	var segs []Segment
	var total uint64
	for i, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Memsz == 0 {
			continue
		}
		where := fmt.Sprintf("program header %d", i)
		s, err := loadSegment(p, file, where)
		if err != nil {
			return nil, err
		}
		// File ranges that overlap would let a small file claim a large image.
		if total += p.Filesz; total > uint64(len(file)) {
			return nil, refuse(ErrSegment, where, "segments have more contents than the file", nextRebuild)
		}
		segs = append(segs, s)
	}
	slices.SortFunc(segs, func(a, b Segment) int { return cmp.Compare(a.VA, b.VA) })
	for i := 1; i < len(segs); i++ {
		a, b := &segs[i-1], &segs[i]
		if pageUp(a.end()) > b.VA {
			return nil, refuse(ErrSegment, "program headers", fmt.Sprintf("%v %#x-%#x and %v %#x-%#x overlap or share a page", a.Perm, a.VA, a.end(), b.Perm, b.VA, b.end()), nextLink)
		}
	}
	return segs, nil
}

// loadSegment checks one program header against the file and the memory map.
func loadSegment(p *elf.Prog, file []byte, where string) (Segment, error) {
	size := uint64(len(file))
	if p.Off > size || p.Filesz > size-p.Off {
		return Segment{}, refuse(ErrTruncated, where, fmt.Sprintf("contents %#x+%#x reach beyond the file's %#x bytes", p.Off, p.Filesz, size), nextRebuild)
	}
	// The order of the comparisons keeps Vaddr+Memsz from wrapping.
	if p.Vaddr < layout.ImageVA || p.Vaddr >= layout.ImageEnd || p.Memsz > layout.ImageEnd-p.Vaddr {
		return Segment{}, refuse(ErrSegment, where, fmt.Sprintf("%#x+%#x outside [%#x, %#x)", p.Vaddr, p.Memsz, uint64(layout.ImageVA), uint64(layout.ImageEnd)), nextLink)
	}
	s := Segment{VA: p.Vaddr, MemSize: p.Memsz, Data: file[p.Off : p.Off+p.Filesz : p.Off+p.Filesz]}
	for _, f := range []struct {
		bit  elf.ProgFlag
		perm Perm
	}{{elf.PF_R, PermR}, {elf.PF_W, PermW}, {elf.PF_X, PermX}} {
		if p.Flags&f.bit != 0 {
			s.Perm |= f.perm
		}
	}
	switch {
	case p.Vaddr%layout.PageSize != 0:
		return Segment{}, refuse(ErrSegment, where, fmt.Sprintf("address %#x is not page-aligned", p.Vaddr), nextLink)
	case p.Filesz > p.Memsz:
		return Segment{}, refuse(ErrSegment, where, fmt.Sprintf("%#x bytes of contents for %#x bytes of memory", p.Filesz, p.Memsz), nextRebuild)
	case s.Perm&(PermW|PermX) == PermW|PermX:
		return Segment{}, refuse(ErrSegment, where, "writable and executable", nextLink)
	}
	return s, nil
}

// pageUp rounds va up to a page boundary.
func pageUp(va uint64) uint64 { return (va + layout.PageSize - 1) &^ (layout.PageSize - 1) }
