package main

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"barreleye/guest"
	"barreleye/guest/cpudriver"
)

// keptLeast is what a core may keep beside a part of what it had: bytes.
const keptLeast = 24 << 20

// holdInHeap has the heap grow and shrink as far as memory that is asked for, twice: what
// the runtime gives up is the host's again, and what it takes up again is zero.
func holdInHeap(o *options) error {
	start := guest.Memory()
	for round := range 2 {
		var list [][]byte
		for n := uint64(0); n < o.hold; n += 1 << 20 {
			b := make([]byte, 1<<20)
			if at := slices.IndexFunc(b[:page], isSet); at >= 0 || !bytes.Equal(b[page:], b[:len(b)-page]) {
				return fmt.Errorf("round %d: a new slice of %d bytes is not zero", round, len(b))
			}
			for i := 0; i < len(b); i += page / 2 {
				b[i] = byte(n>>20) | 1
			}
			list = append(list, b)
		}
		for n, b := range list {
			for i := 0; i < len(b); i += page / 2 {
				if b[i] != byte(n)|1 {
					return fmt.Errorf("round %d: slice %d holds %d at %d", round, n, b[i], i)
				}
			}
		}
		if m := guest.Memory(); m.Used < o.hold || m.Size < m.Used || m.Limit < m.Size {
			return fmt.Errorf("round %d: with %d MiB: %+v", round, o.hold>>20, m)
		}
		list = nil
		debug.FreeOSMemory()
		m := guest.Memory()
		if kept := max(start.Size+o.hold/4, m.Used+m.Used/2) + keptLeast; m.Used > start.Used+o.hold/2+keptLeast/3 || m.Size > kept {
			return fmt.Errorf("round %d: with none of %d MiB: %+v, %+v before", round, o.hold>>20, m, start)
		}
	}
	return nil
}

func isSet(b byte) bool { return b != 0 }

// growAndShrink asks for memory before it is needed, and gives it back.
func growAndShrink(o *options) error {
	guest.Shrink()
	start := guest.Memory()
	if err := guest.Grow(o.hold); err != nil {
		return err
	}
	grown := guest.Memory()
	if free := grown.Size - grown.Used; cpudriver.InGuest() && free < o.hold {
		return fmt.Errorf("%d MiB free after a request for %d", free>>20, o.hold>>20)
	}
	debug.FreeOSMemory()
	if m := guest.Memory(); m.Size < grown.Size {
		return fmt.Errorf("%d MiB of %d were kept", m.Size>>20, grown.Size>>20)
	}
	err := with(uintptr(o.hold/2)&^(page-1), func(at uintptr) error {
		stamp(at, page, 1)
		return guest.Grow(o.hold / 2)
	})
	if err != nil {
		return err
	}
	gave := guest.Shrink()
	if m := guest.Memory(); cpudriver.InGuest() && (m.Size+gave < grown.Size || m.Size > start.Size) {
		return fmt.Errorf("%d MiB given back of %d: %d MiB are left, %d at the start", gave>>20, grown.Size>>20, m.Size>>20, start.Size>>20)
	}
	for _, n := range []uint64{start.Limit, ^uint64(0)} {
		if err := guest.Grow(n); !errors.Is(err, guest.ErrPrivateMemory) {
			return fmt.Errorf("a request for %d MiB: %v, want %v", n>>20, err, guest.ErrPrivateMemory)
		}
	}
	return nil
}
