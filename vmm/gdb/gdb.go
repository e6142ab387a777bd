// Package gdb serves gdb's remote serial protocol ("Debugging with GDB", appendix E)
// for cores: a gdb that is connected by "target remote" sees each core as a thread,
// core N as thread N+1, of one program. It is all-stop: where one core stops, all do.
//
// What is debugged stands behind Target; nothing here knows how cores are made. gdb's
// side is taken for a friend's with bugs: whatever it sends, it gets an answer or
// loses the connection.
package gdb

import (
	"errors"

	"barreleye/vmm/postmortem"
)

// Target is cores that a debugger stops and lets go on. Serve uses it from one
// goroutine, and reads registers and memory only while all cores stand.
type Target interface {
	// Cores lists the cores that live, ascending. The slice is the caller's.
	Cores() []int
	// Registers reads the registers of a core, with its XSAVE area in Vector.
	Registers(core int) (postmortem.Thread, error)
	// SetRegisters writes the general registers, RIP, RSP and RFLAGS, and the
	// XSAVE area where that is not nil.
	SetRegisters(core int, t postmortem.Thread) error
	// ReadMemory reads what a core has at a virtual address, as it is without
	// breakpoints, and returns how many bytes it could.
	ReadMemory(core int, b []byte, va uint64) int
	// WriteMemory writes all of b, or nothing.
	WriteMemory(core int, b []byte, va uint64) error
	// Insert sets a breakpoint in all cores, Remove takes it away.
	Insert(va uint64) error
	Remove(va uint64) error
	// Resume lets cores go on, of which some stop again behind one instruction.
	Resume(step, run []int)
	// Halt stops all cores and returns once they stand.
	Halt()
	// Woken yields something when Next may have a stop.
	Woken() <-chan struct{}
	// Next returns a core's stop that it has not returned yet.
	Next() (Stop, bool)
	// Detach takes all breakpoints away and lets all cores go on for good.
	Detach()
}

// Stop is why a core stands.
type Stop struct {
	Core int
	Why  Why
	Code int // ByExit: the exit code
}

// Why is a reason to stop.
type Why int

// Reasons to stop.
const (
	AtBreakpoint Why = iota // of Target.Insert; RIP is its address
	Stepped                 // behind one instruction
	Trapped                 // by a breakpoint instruction of the program's own
	ByExit                  // its life ended, with a code
	ByCrash                 // its life ended otherwise
)

// ErrProtocol says that the other side speaks no gdb protocol.
var ErrProtocol = errors.New("gdb: not gdb's remote protocol")
