package cpudriver

import "sync/atomic"

// Flags of the program that matter to the driver. Interrupts and exceptions clear
// them; a system call does not, for that costs as much as the rest of it: what AC and
// TF lead to is put right when it happens, and NT is cleared before an IRETQ (leave).

// stepped is the context that came into the driver with TF set.
var stepped uintptr

// absorb handles an exception that one of the program's flags causes in the driver,
// whose registers c holds: AC makes unaligned accesses fault, TF each instruction.
// The first ends, as with system calls on hardware. The second ends for the driver
// and comes back when the context leaves it, so that whoever steps through a program
// steps over its system calls and its interrupts.
func (c *context) absorb(vector uint64) bool {
	switch {
	case vector == vecAlign && c.rflags&flagAC != 0:
		c.rflags &^= flagAC
	case vector == vecDebug && c.rflags&flagTF != 0:
		c.rflags &^= flagTF
		stepped = current
		atomic.OrUint64(&pending, pendingStep)
	default:
		return false
	}
	return true
}

// stepOn sets TF in a context. One that is at a system call must leave by IRETQ for
// that, with what such a call loses as SYSCALL would leave it.
func (c *context) stepOn() {
	if c.full == 0 {
		c.rcx, c.r11 = c.rip, flagsIF|flagTF
		c.rflags = flagsIF
		copy(bytesAt(c.vector, vectorSize), bytesAt(addressOf(&pristine[0]), vectorSize))
		c.full = 1
	}
	c.rflags |= flagTF
}
