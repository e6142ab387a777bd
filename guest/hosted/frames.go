package hosted

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"barreleye/devices/boot"
	"barreleye/devices/inherit"
	"barreleye/devices/layout"
	"barreleye/guest/frames"
	"barreleye/guest/monitor/vspace"
)

// Frames has Linux map frames of shared memory at addresses of the process, as steps of
// package vspace say: what those do to page tables, Linux does by itself.
type Frames struct {
	core  *Core
	last  uint32
	notes noted
}

// Frames returns it.
func (c *Core) Frames() frames.Memory { return &Frames{core: c} }

// Window is frames.Memory.Window: it reserves the addresses.
func (f *Frames) Window() (low, high uint64, err error) {
	const size = layout.FrameEnd - layout.FrameVA
	at, err := mmap(layout.FrameVA, size, syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE|fixedNoReplace, -1)
	if err == nil && at != layout.FrameVA {
		err = syscall.EEXIST // an old kernel took the address as a hint
	}
	if err != nil {
		return 0, 0, fmt.Errorf("hosted core: addresses for frames at %#x: %w: another mapping is in their way; run it again, or on KVM", uint64(layout.FrameVA), err)
	}
	return layout.FrameVA, layout.FrameEnd, f.notes.open()
}

// Take is vspace.Tables.Take: there are no page tables to be had.
func (f *Frames) Take(level uint8) (vspace.Table, error) {
	f.last++
	return vspace.Table{ID: f.last, Level: level}, nil
}

// Drop is vspace.Tables.Drop.
func (*Frames) Drop(vspace.Table) {}

// EntryOf is frames.Memory.EntryOf: Linux shows none, and has small pages only.
func (*Frames) EntryOf(uint64) uint64 { return 0 }

// Do is frames.Memory.Do.
func (f *Frames) Do(steps []vspace.Step, why frames.Why) error {
	done := false // anything that Linux knows of
	for _, s := range steps {
		err := f.step(s)
		switch {
		case err == nil:
			done = done || s.Op == vspace.Fill || s.Op == vspace.Change || s.Op == vspace.Clear
		case done:
			return fmt.Errorf("hosted core: %v: %w: raise vm.max_map_count", s, err)
		default:
			return fmt.Errorf("hosted core: %v: %w: %w: raise vm.max_map_count", s, frames.ErrFull, err)
		}
	}
	f.notes.keep(steps, why)
	return nil
}

func (f *Frames) step(s vspace.Step) error {
	switch s.Op {
	case vspace.Fill:
		offset, size := f.core.view.RAM()
		at := s.Frame - layout.RegionGPA
		if at < offset || at >= offset+size || s.Pieces > offset+size-at {
			return fmt.Errorf("frame %#x is not in shared memory, which is all that a process maps", s.Frame)
		}
		return mapAt(uintptr(s.Addr), uintptr(s.Pieces), protection(s.Prot), syscall.MAP_SHARED, inherit.Region, int64(at))
	case vspace.Change:
		if err := mprotect(uintptr(s.Addr), uintptr(s.Pieces), protection(s.Prot)); err != nil {
			return os.NewSyscallError("mprotect", err)
		}
	case vspace.Clear:
		return mapAt(uintptr(s.Addr), uintptr(s.Pieces), syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE, -1, 0)
	}
	return nil
}

// protection returns PROT_* of boot.Read and boot.Write, which have the same values.
func protection(prot uint8) int { return int(prot & (boot.Read | boot.Write)) }

// errPrivate says that private memory has no addresses of its own.
var errPrivate = errors.New("hosted core: a process's private memory is Linux's, not its own to lend: take shared memory")

// LendRAM has none to lend.
func (*Core) LendRAM(uint64) (uint64, error) { return 0, errPrivate }

// ReturnRAM takes none back.
func (*Core) ReturnRAM(base, size uint64) error { return errPrivate }
