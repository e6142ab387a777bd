package image

import "golang.org/x/arch/x86/x86asm"

// inst is what the patcher needs to know of one decoded instruction. It is kept
// small: a damaged function table can claim one function as large as the file.
type inst struct {
	off    int32     // in the function
	target int32     // of a branch: offset in the function, may lie outside of it
	op     x86asm.Op // 0 for the forms of vectorLen
	len    uint8
	ripRel bool // has a memory operand relative to RIP
	flow   bool // transfers control, or leaves its own address behind
	branch bool // direct branch to target
}

func (i *inst) start() int { return int(i.off) }
func (i *inst) end() int   { return int(i.off) + int(i.len) }

// name returns the mnemonic for messages.
func (i *inst) name() string {
	if i.op == 0 {
		return "vector instruction"
	}
	return i.op.String()
}

// decodeInst decodes the instruction at off of a function's code. ok is false
// when neither decoder knows it.
func decodeInst(code []byte, off int) (in inst, ok bool) {
	if n, ripRel := vectorLen(code[off:]); n != 0 {
		return inst{off: int32(off), len: uint8(n), ripRel: ripRel}, true
	}
	x, err := x86asm.Decode(code[off:], 64)
	// A prefix without an instruction is no error to x86asm, it has no Op.
	if err != nil || x.Op == 0 || x.Len <= 0 || x.Len > len(code)-off {
		return inst{}, false
	}
	in = inst{off: int32(off), len: uint8(x.Len), op: x.Op, flow: isFlow(x.Op)}
	for _, arg := range x.Args {
		switch a := arg.(type) {
		case x86asm.Rel:
			in.flow, in.branch = true, true
			in.target = int32(in.end()) + int32(a)
		case x86asm.Mem:
			in.ripRel = in.ripRel || a.Base == x86asm.RIP || a.Base == x86asm.EIP
		}
	}
	return in, true
}

// isFlow lists the instructions besides relative branches that leave the
// straight line or leave their own address behind (return address, saved RIP).
func isFlow(op x86asm.Op) bool {
	switch op {
	case x86asm.JMP, x86asm.LJMP, x86asm.CALL, x86asm.LCALL, x86asm.RET, x86asm.LRET,
		x86asm.IRET, x86asm.IRETD, x86asm.IRETQ, x86asm.INT, x86asm.INTO, x86asm.ICEBP,
		x86asm.SYSCALL, x86asm.SYSENTER, x86asm.SYSEXIT, x86asm.SYSRET,
		x86asm.UD0, x86asm.UD1, x86asm.UD2, x86asm.HLT, x86asm.XABORT, x86asm.XBEGIN:
		return true
	}
	return false
}
