package guest

import (
	"barreleye/devices/filetree"
	"barreleye/devices/region"
	"barreleye/guest/cpudriver"
	"barreleye/guest/frames"
	"barreleye/guest/hosted"
	"barreleye/urpc"
	"barreleye/urpc/pages"
)

// platform is what carries this core: the CPU driver in a virtual machine, or
// Linux in a process (package hosted).
type platform interface {
	Core() int
	Cores() int
	Life() uint64
	Region() *region.View
	PollCycles() uint64         // TSC cycles the idle loop polls before it sleeps
	Ticks() bool                // something interrupts the core while it computes
	SetPower(state, ns uint64)  // polls for ns before it sleeps, then sleeps in a state
	Ring(i int)                 // rings a core's doorbell
	Sleeper() urpc.Sleeper      // parks goroutines until a word of the region changes
	PublishMaps(request uint64) // answers the VMM with the map table
	Mount(*filetree.Plan) error // adds files to those that programs see

	CountMemory() // brings the core's figures of memory up to date

	// GrowMemory has so many bytes of private memory free until ShrinkMemory, or reports that
	// it cannot; ShrinkMemory gives back what is free, and returns how many bytes.
	GrowMemory(bytes uint64) bool
	ShrinkMemory() uint64

	// DebugPages reports whether pages that are handed over are to be mapped by
	// their owner alone; ProtectPages does that, for whole pages of pools.
	DebugPages() bool
	CheckCaps() bool // the monitor tests all that must hold of capabilities
	ProtectPages(mem []byte, to pages.Access) error
	// BorrowPages makes pages of a pool of two other cores usable that one of them
	// lent to this core.
	BorrowPages(mem []byte) error

	// Frames maps frames into the program's address space.
	Frames() frames.Memory
	// LendRAM takes private memory for capabilities, which ReturnRAM gives back.
	LendRAM(size uint64) (base uint64, err error)
	ReturnRAM(base, size uint64) error
}

// here is this core's platform; nil outside a multikernel.
var here platform

// attach finds out what carries this core. It returns nil where the image was
// started as a plain process.
func attach() (platform, error) {
	switch {
	case cpudriver.InGuest():
		cpudriver.AwaitBirth()
		return &driver{sleeper: &sleeper{}}, nil
	case hosted.Given():
		c, err := hosted.Attach()
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	return nil, nil
}

// driver is the CPU driver as a platform.
type driver struct {
	sleeper *sleeper
	mounts  mounts
}

func (*driver) Core() int                         { return cpudriver.Core() }
func (*driver) Cores() int                        { return cpudriver.Cores() }
func (*driver) Life() uint64                      { return cpudriver.Life() }
func (*driver) Region() *region.View              { return cpudriver.Region() }
func (*driver) PollCycles() uint64                { return cpudriver.PollCycles() }
func (*driver) Ticks() bool                       { return cpudriver.Ticks() }
func (*driver) SetPower(state, ns uint64)         { cpudriver.SetPower(state, ns) }
func (*driver) Ring(i int)                        { cpudriver.Ring(i) }
func (d *driver) Sleeper() urpc.Sleeper           { return d.sleeper }
func (*driver) PublishMaps(request uint64)        { cpudriver.PublishMaps(request) }
func (d *driver) Mount(plan *filetree.Plan) error { return d.mounts.add(plan) }
func (*driver) CountMemory()                      {} // they are
func (*driver) GrowMemory(bytes uint64) bool      { return cpudriver.GrowMemory(bytes) }
func (*driver) ShrinkMemory() uint64              { return cpudriver.ShrinkMemory() }
func (*driver) DebugPages() bool                  { return cpudriver.DebugPages() }
func (*driver) CheckCaps() bool                   { return cpudriver.CheckCaps() }

// Frames has page tables written by the CPU driver.
func (*driver) Frames() frames.Memory { return frames.NewDriver() }

func (*driver) LendRAM(size uint64) (uint64, error) { return cpudriver.LendRAM(size) }
func (*driver) ReturnRAM(base, size uint64) error   { return cpudriver.ReturnRAM(base, size) }

// BorrowPages has nothing to do: the VMM looks when the pages are first used.
func (*driver) BorrowPages([]byte) error { return nil }

func (*driver) ProtectPages(mem []byte, to pages.Access) error {
	return cpudriver.ProtectPages(mem, to)
}
