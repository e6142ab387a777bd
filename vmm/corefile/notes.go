package corefile

import (
	"bytes"
	"encoding/binary"

	"barreleye/vmm/postmortem"

	"golang.org/x/sys/cpu"
)

// Types of notes (include/uapi/linux/elf.h).
const (
	ntPRStatus  = 1
	ntFPRegs    = 2
	ntPRPSInfo  = 3
	ntX86Xstate = 0x202
)

// driverTID stands for the CPU driver, where it is not one of the program's
// threads that ran.
const driverTID = 1 << 20

// registers are struct user_regs_struct.
type registers struct {
	R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, OrigRAX uint64
	RIP, CS, EFlags, RSP, SS, FSBase, GSBase, DS, ES, FS, GS                         uint64
}

// prstatus is struct elf_prstatus.
type prstatus struct {
	Signal, Code, Errno    int32
	Cursig                 int16
	_                      int16
	SigPend, SigHold       uint64
	PID, PPID, PGRP, SID   int32
	Utime, Stime, Cut, Cst [2]uint64
	Regs                   registers
	FPValid, _             int32
}

// prpsinfo is struct elf_prpsinfo.
type prpsinfo struct {
	State, Sname, Zombie, Nice byte
	_                          uint32
	Flags                      uint64
	UID, GID                   uint32
	PID, PPID, PGRP, SID       int32
	Name                       [16]byte
	Args                       [80]byte
}

// note appends one note: sizes, type, name, contents, each padded to 4 bytes.
func note(b *bytes.Buffer, name string, kind uint32, content any) {
	var body bytes.Buffer
	put(&body, content)
	put(b, []uint32{uint32(len(name) + 1), uint32(body.Len()), kind})
	b.WriteString(name)
	b.Write(make([]byte, 4-len(name)%4))
	b.Write(body.Bytes())
	b.Write(make([]byte, -body.Len()&3))
}

// put appends what has a fixed size. A buffer takes everything.
func put(b *bytes.Buffer, v any) { _ = binary.Write(b, binary.LittleEndian, v) }

// makeNotes makes the notes of all threads, the first of which gdb shows first.
func makeNotes(threads []postmortem.Thread, info Info) []byte {
	var b bytes.Buffer
	seen := map[int32]bool{}
	for i, t := range threads {
		tid := int32(t.TID)
		for tid <= 0 || seen[tid] { // gdb wants numbers of their own
			tid = driverTID + int32(i)
		}
		seen[tid] = true
		// the signal with every thread, as Linux does: gdb takes the last
		s := prstatus{PID: tid, Regs: registersOf(&t.Regs), Signal: int32(info.Signal), Cursig: int16(info.Signal)}
		if len(t.Vector) >= legacySize {
			s.FPValid = 1
		}
		note(&b, "CORE", ntPRStatus, &s)
		if i == 0 {
			p := prpsinfo{Sname: 'R', PID: tid}
			copy(p.Name[:len(p.Name)-1], info.Name)
			copy(p.Args[:len(p.Args)-1], info.Args)
			note(&b, "CORE", ntPRPSInfo, &p)
		}
		if s.FPValid != 0 {
			note(&b, "CORE", ntFPRegs, t.Vector[:legacySize])
		}
		if x := xstate(t.Vector); x != nil {
			note(&b, "LINUX", ntX86Xstate, x)
		}
	}
	return b.Bytes()
}

func registersOf(r *postmortem.Registers) registers {
	return registers{
		R15: r.R15, R14: r.R14, R13: r.R13, R12: r.R12, RBP: r.RBP, RBX: r.RBX, R11: r.R11, R10: r.R10, R9: r.R9, R8: r.R8,
		RAX: r.RAX, RCX: r.RCX, RDX: r.RDX, RSI: r.RSI, RDI: r.RDI, OrigRAX: ^uint64(0),
		RIP: r.RIP, CS: r.CS, EFlags: r.RFLAGS, RSP: r.RSP, SS: r.SS, FSBase: r.FSBase, GSBase: r.GSBase,
	}
}

// Sizes of an XSAVE area in standard format (SDM vol. 1, 13.4), and where Linux
// notes in it which components there may be.
const (
	legacySize = 512
	avxSize    = 832
	avx512Size = 2688
	xcr0At     = 464
)

// xstate returns the XSAVE area of a thread as a core file has it.
func xstate(vector []byte) []byte {
	size, components := avxSize, uint64(0x7)
	if cpu.X86.HasAVX512F {
		size, components = avx512Size, 0xe7
	}
	if len(vector) < size {
		return nil
	}
	x := bytes.Clone(vector[:size])
	binary.LittleEndian.PutUint64(x[xcr0At:], components)
	return x
}
