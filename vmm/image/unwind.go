package image

import (
	"encoding/binary"
	"fmt"
)

// Frame is one function call on a stack.
type Frame struct {
	PC   uint64 // where it is: the instruction itself in the innermost frame, else the return address
	SP   uint64 // RSP there
	Func string // "" where no function is known
	Off  uint64 // of PC in the function, bytes
	File string // "" where the table has none
	Line int
}

// String shows the frame as the runtime's traces do: "main.f+0x12 (main.go:7)".
func (f *Frame) String() string {
	if f.Func == "" {
		return fmt.Sprintf("%#x (no function there)", f.PC)
	}
	if f.File == "" {
		return fmt.Sprintf("%s+%#x", f.Func, f.Off)
	}
	return fmt.Sprintf("%s+%#x (%s:%d)", f.Func, f.Off, f.File, f.Line)
}

// Offsets in a function's record beyond those that naming needs (runtime._func),
// and the flags that end a stack (internal/abi.FuncFlag).
const (
	recordStack   = 16 // offset in values: pc to bytes that the frame has on the stack
	recordFlags   = 41 // a byte
	recordFlagEnd = 42
	flagTop       = 1 // outermost function of a stack
	flagSetsStack = 2 // switches to another stack
)

// Unwind lists the calls on the stack of code that stands at pc with the given
// stack and frame pointers, the innermost first, most of them at most. word
// reads eight bytes of the guest's memory. It uses what the Go runtime does, the
// table of each function's frame sizes by pc, which stripped images have too;
// where pc lies in no function it tries a return address on top of the stack,
// as after a call to nowhere, and then the frame pointer. The stack may hold
// anything.
func (im *Image) Unwind(pc, sp, bp uint64, most int, word func(va uint64) (uint64, bool)) (frames []Frame) {
	for len(frames) < most {
		i := im.funcs.find(im.realPC(pc, len(frames) > 0))
		frames = append(frames, im.frame(i, pc, sp, len(frames) > 0))
		if i < 0 {
			if len(frames) > 1 {
				return frames
			}
			top, ok := word(sp)
			if ok && im.funcs.find(top) >= 0 {
				pc, sp = top, sp+8
				continue
			}
			next, ok1 := word(bp + 8)
			caller, ok2 := word(bp)
			if !ok1 || !ok2 || im.funcs.find(next) < 0 {
				return frames
			}
			pc, sp, bp = next, bp+16, caller
			continue
		}
		flags := im.funcs.flags(i)
		if flags&flagTop != 0 || flags&flagSetsStack != 0 && len(frames) > 1 {
			return frames
		}
		size, ok := im.funcs.frameSize(i, im.realPC(pc, len(frames) > 1))
		if !ok {
			return frames
		}
		next, ok := word(sp + size)
		if !ok || next == 0 {
			return frames
		}
		pc, sp = next, sp+size+8
	}
	return frames
}

// realPC returns the place in the text that stands for pc: of a stub its
// SYSCALL, of a return address the call before it.
func (im *Image) realPC(pc uint64, caller bool) uint64 {
	if im.inStub(pc) {
		return im.siteOfStub(pc)
	}
	if caller {
		pc--
	}
	return pc
}

// frame names the place of a call. i is the function's number, -1 for none.
func (im *Image) frame(i int, pc, sp uint64, caller bool) Frame {
	f := Frame{PC: pc, SP: sp}
	if i >= 0 {
		at := im.realPC(pc, caller)
		f.Func, f.Off = im.funcs.name(i), at-im.funcs.entry(i)
		f.File, f.Line = im.funcs.line(i, at)
		if at == pc-1 {
			f.Off++
		}
	}
	return f
}

// frameSize returns how many bytes lie between RSP at pc and the return
// address of function i.
func (t *funcTable) frameSize(i int, pc uint64) (uint64, bool) {
	r := t.record(i)
	if r == nil {
		return 0, false
	}
	n, ok := pcValue(t.values, binary.LittleEndian.Uint32(r[recordStack:]), pc-t.entry(i))
	return uint64(n), ok && n >= 0
}

// flags returns the flags of function i, 0 when its record is cut off.
func (t *funcTable) flags(i int) byte {
	off := uint64(binary.LittleEndian.Uint32(t.tab[i*functabEntry+4:]))
	if off+recordFlagEnd > uint64(len(t.tab)) {
		return 0
	}
	return t.tab[off+recordFlags]
}
