// Package postmortem is what can be seen of a core that stands still, dead or
// halted for a look: its threads with their registers, and its memory by virtual
// address. vmm/machine and vmm/hosted provide it; core files (vmm/corefile) and
// autopsies (vmm/autopsy) are made of it. All of it was written by the guest and
// may be anything.
package postmortem

import (
	"encoding/binary"
	"fmt"
	"strings"

	"barreleye/devices/region"
	"barreleye/vmm/image"
)

// Registers are a thread's general registers.
type Registers struct {
	RAX, RBX, RCX, RDX, RSI, RDI, RBP    uint64
	R8, R9, R10, R11, R12, R13, R14, R15 uint64
	RIP, CS, RFLAGS, RSP, SS             uint64
	FSBase, GSBase                       uint64
}

// FromWords makes registers of the words that a driver keeps
// (region.Threads.Registers).
func FromWords(w [region.ThreadRegisters]uint64) Registers {
	return Registers{
		RAX: w[0], RBX: w[1], RCX: w[2], RDX: w[3], RSI: w[4], RDI: w[5], RBP: w[6],
		R8: w[7], R9: w[8], R10: w[9], R11: w[10], R12: w[11], R13: w[12], R14: w[13], R15: w[14],
		RIP: w[15], CS: w[16], RFLAGS: w[17], RSP: w[18], SS: w[19],
	}
}

// String shows them in one line: "rip=0x... rsp=0x...".
func (r *Registers) String() string {
	var b strings.Builder
	for _, v := range []struct {
		name  string
		value uint64
	}{{"rip", r.RIP}, {"rsp", r.RSP}, {"rflags", r.RFLAGS}, {"rax", r.RAX}, {"rbx", r.RBX}, {"rcx", r.RCX}, {"rdx", r.RDX},
		{"rsi", r.RSI}, {"rdi", r.RDI}, {"rbp", r.RBP}, {"r8", r.R8}, {"r9", r.R9}, {"r10", r.R10}, {"r11", r.R11},
		{"r12", r.R12}, {"r13", r.R13}, {"r14", r.R14}, {"r15", r.R15}} {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%#x", v.name, v.value)
	}
	return b.String()
}

// Thread is one thread of a core's program, or the CPU driver where it ran.
type Thread struct {
	TID    int    // Linux thread id as the program knows it, 0 for the CPU driver
	What   string // "running", "in the CPU driver", "in futex": why it stands where it does
	Regs   Registers
	Vector []byte // XSAVE area in standard format, nil where it is not known
}

// Served is Thread.What of the thread that the driver served when the core ended.
const Served = "called the CPU driver"

// Reset is Thread.What of a CPU that lost its registers: a triple fault resets it on
// hardware that leaves nothing of the guest's state then (AMD's SVM).
const Reset = "reset by the fault, its registers are lost"

// calls are those that threads of Go programs block in (asm/unistd_64.h).
var calls = map[uint64]string{0: "in read", 1: "in write", 35: "in nanosleep", 202: "in futex", 230: "in clock_nanosleep", 281: "in epoll_pwait"}

// Blocked says by the number of a system call why a thread that is blocked in it stands
// still (Thread.What), "" where it says nothing.
func Blocked(call uint64) string { return calls[call] }

// Range is a piece of a core's address space.
type Range struct {
	Start, End uint64
	Prot       uint8  // boot.Read and so on
	Kind       string // "text", "anon", "region": as in the map table
}

// Remains is what is left of a core. It is used by one goroutine at a time.
type Remains interface {
	// Threads lists the threads, that at whose doing the core ended first.
	Threads() []Thread
	// Ranges lists what is mapped, ascending, without overlap.
	Ranges() []Range
	// ReadAt reads the core's memory at a virtual address; what is not mapped
	// ends the read.
	ReadAt(b []byte, va uint64) int
	// Backed reports whether the page at a virtual address may hold anything but
	// zeroes: reading another would have the host back it.
	Backed(va uint64) bool
}

// Stack lists the calls of a thread, the innermost first, most at most.
func Stack(r Remains, im *image.Image, regs *Registers, most int) []image.Frame {
	return im.Unwind(regs.RIP, regs.RSP, regs.RBP, most, func(va uint64) (uint64, bool) { return Word(r, va) })
}

// Word reads eight bytes.
func Word(r Remains, va uint64) (uint64, bool) {
	var b [8]byte
	if r == nil || r.ReadAt(b[:], va) != len(b) {
		return 0, false
	}
	return binary.LittleEndian.Uint64(b[:]), true
}
