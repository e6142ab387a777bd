package guest

import (
	"errors"
	"fmt"

	"barreleye/guest/frames"
	"barreleye/guest/monitor/caps"
)

// mapped is what of frames this core's program has at addresses.
var mapped *frames.Space

// ErrUnmapped: the memory is not mapped any more, because of Unmap or because the capability
// went.
var ErrUnmapped = frames.ErrUnmapped

// MapOptions say how a frame is mapped.
type MapOptions struct {
	Write bool // it may be written, which takes the right to
	Small bool // by pages of 4 KiB, also where one of 2 MiB fits
}

// Mapping is a frame at an address of the program.
type Mapping struct {
	m      *frames.Mapping
	rights caps.Rights
}

// Map maps the frame that a capability names, which takes the right to read it. It is mapped
// until Unmap, or until the capability is deleted, moved or revoked, by whichever core: a use
// of the memory after that is a fault.
func Map(c Cap, opt MapOptions) (*Mapping, error) {
	if core == nil {
		return nil, errNoCaps
	}
	object, got, err := core.Cap(c.ref)
	if err != nil {
		return nil, capped("map", err)
	}
	want := caps.Read
	if opt.Write {
		want |= caps.Write
	}
	if got.Rights&want != want {
		return nil, capped("map", fmt.Errorf("%v has rights %v, wanted are %v: %w", got.Extent, got.Rights, want, caps.ErrRights))
	}
	m, err := mapped.Map(frames.Source{Object: object, Ref: c.ref}, got.Extent, opt.Write, opt.Small)
	if err != nil {
		return nil, capped("map", err)
	}
	// It may have gone before it was mapped, and then nobody has it unmapped.
	if !unmapGone(c.ref, -1) {
		return nil, capped("map", caps.ErrGone)
	}
	return &Mapping{m, got.Rights}, nil
}

// sweep has unmapped what was mapped by capabilities that are gone though others to the same
// are left.
func sweep() {
	for _, r := range mapped.Refs() {
		unmapGone(r, Core())
	}
}

// unmapGone reports whether a capability is there, and has unmapped what it is for where it
// is not: because of a core, -1 where that is not known.
func unmapGone(r caps.Ref, by int) bool {
	_, _, err := core.Cap(r)
	if err != nil {
		mapped.ForgetRef(r, frames.Why{Reason: frames.Revoked, By: by})
	}
	return err == nil
}

// unmapObject is monitor.Config.Unmap.
func unmapObject(object caps.ObjectID, _ caps.Extent, by int) {
	mapped.Forget(object, frames.Why{Reason: frames.Revoked, By: by})
}

// giveBack is monitor.Config.GiveBack.
func giveBack(e caps.Extent) {
	mapped.ForgetMemory(e, frames.Why{Reason: frames.Deleted, By: -1})
	if err := here.ReturnRAM(e.Base, e.Size); err != nil {
		panic(err) // it was lent as it is
	}
}

// Bytes returns the memory.
func (m *Mapping) Bytes() []byte { return m.m.Bytes() }

// Address returns where it is.
func (m *Mapping) Address() uint64 { return m.m.Address() }

// Large returns how many of its bytes lie on pages of 2 MiB. It is 0 in a process.
func (m *Mapping) Large() uint64 { return m.m.Large() }

// Access is what a program may do with memory that it has mapped.
type Access int

// What it may do.
const (
	NoAccess Access = iota
	ReadOnly
	ReadWrite
)

// Protect changes what may be done with size bytes of the memory from an offset on, both
// multiples of 4 KiB. ReadWrite takes the right to write.
func (m *Mapping) Protect(offset, size int, to Access) error {
	if to == ReadWrite && m.rights&caps.Write == 0 {
		return capped("protect", fmt.Errorf("%v was mapped by rights %v: %w", m.m.Frame(), m.rights, caps.ErrRights))
	}
	return capped("protect", m.m.Protect(offset, size, to >= ReadOnly, to >= ReadWrite))
}

// Unmap takes the memory away.
func (m *Mapping) Unmap() error { return capped("unmap", m.m.Unmap()) }

// String says what is mapped where.
func (m *Mapping) String() string { return m.m.String() }

// PrivateRAM returns a capability to private memory of this core, which cannot be sent: a
// power of two of pages of 4 KiB up to 256 KiB, or a multiple of 2 MiB. It is taken from what
// the Go runtime has for heap and stacks, and goes back there with the last capability to any
// of it. It holds what was in it before.
func PrivateRAM(size uint64) (Cap, error) {
	if core == nil {
		return Cap{}, errNoCaps
	}
	base, err := here.LendRAM(size)
	if err != nil {
		return Cap{}, capped("private memory", err)
	}
	r, err := core.InsertRAM(caps.Extent{Type: caps.RAM, Base: base, Size: size})
	if err != nil {
		err = errors.Join(err, here.ReturnRAM(base, size))
	}
	return Cap{r}, capped("private memory", err)
}
