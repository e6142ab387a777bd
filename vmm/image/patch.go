package image

import (
	"bytes"
	"fmt"

	"barreleye/devices/layout"

	"golang.org/x/arch/x86/x86asm"
)

// syscallCode is SYSCALL, and what the text is searched for. The bytes also
// occur inside other instructions, so a match only says which functions to
// decode.
var syscallCode = []byte{0x0F, 0x05}

const reasonNoPatch = "patching is switched off"

// maxPairs bounds the matches that are looked at, and so the memory the report
// takes. Go programs have some 40; this many fill the stub area.
const maxPairs = layout.StubMax / stubAlign

// patcher finds the system calls of an image and rewrites them.
//
// A site and the whole instructions before it, five bytes or more, become a
// JMP to a stub. The stub executes those instructions, puts the address behind
// the SYSCALL into RCX, where the instruction itself would have put it, and
// jumps to the driver; see stub.go. Nothing is pushed, so a function at the
// last byte of its stack can make system calls.
type patcher struct {
	im      *Image
	noPatch bool
	max     int // bytes of stubs
}

// run patches all functions that contain the bytes of SYSCALL.
func (p *patcher) run(text textRange) {
	s := p.im.segmentOf(text.start, text.end-text.start)
	code := s.Data[text.start-s.VA : text.end-s.VA]
	pairs := p.findPairs(code, text.start)
	if len(pairs) == 0 {
		return
	}
	if !p.noPatch {
		s.Data = bytes.Clone(s.Data)
		code = s.Data[text.start-s.VA : text.end-s.VA]
	}
	if len(pairs) > maxPairs {
		defer p.report("", pairs[maxPairs], fmt.Sprintf("more than %d byte pairs 0f 05, the rest of the text was not looked at", maxPairs))
		pairs = pairs[:maxPairs]
	}
	for len(pairs) > 0 {
		i := p.im.funcs.find(pairs[0])
		if i < 0 {
			p.report("", pairs[0], "outside every function")
			pairs = pairs[1:]
			continue
		}
		start, end := p.im.funcs.entry(i), min(p.im.funcs.entry(i+1), text.end)
		n := 1
		for n < len(pairs) && pairs[n] < end {
			n++
		}
		f := function{name: p.im.funcs.name(i), va: start, code: code[start-text.start : end-text.start]}
		p.function(&f, pairs[:n])
		pairs = pairs[n:]
	}
}

// findPairs returns the addresses of the bytes 0F 05 outside the driver's
// critical text, which makes no system calls.
func (p *patcher) findPairs(code []byte, va uint64) []uint64 {
	var pairs []uint64
	for at := 0; ; at += len(syscallCode) {
		i := bytes.Index(code[at:], syscallCode)
		if i < 0 || len(pairs) > maxPairs {
			return pairs
		}
		at += i
		if pc := va + uint64(at); !p.critical(pc) {
			pairs = append(pairs, pc)
		}
	}
}

// critical reports whether pc is in the driver's critical text.
func (p *patcher) critical(pc uint64) bool {
	return pc >= p.im.Table[layout.TableCritical] && pc < p.im.Table[layout.TableCriticalEnd]
}

// function patches or reports the system calls among the pairs of f.
func (p *patcher) function(f *function, pairs []uint64) {
	f.decode(int(pairs[len(pairs)-1]-f.va) + 1)
	var calls []int
	for i := range f.insts {
		if in := &f.insts[i]; in.op == x86asm.SYSCALL && !p.critical(f.va+uint64(in.off)) {
			calls = append(calls, i)
		}
	}
	if len(calls) > 0 {
		f.decode(len(f.code)) // for branches back to the site
		f.findTargets(p.im)
	}
	for _, i := range calls {
		p.site(f, i)
	}
	for _, pc := range pairs {
		if f.lost && int(pc-f.va) >= f.end {
			p.report(f.name, pc, fmt.Sprintf("undecodable code at +%#x before the bytes 0f 05", f.end))
		}
	}
}

// site rewrites the SYSCALL that is instruction i of f, or reports why not.
func (p *patcher) site(f *function, i int) {
	call := &f.insts[i]
	pc := f.va + uint64(call.off)
	if p.noPatch {
		p.report(f.name, pc, reasonNoPatch)
		return
	}
	first, reason := f.movable(i)
	if reason != "" {
		p.report(f.name, pc, reason)
		return
	}
	start := f.insts[first].start()
	stub := makeStub(stubAt(len(p.im.Stubs)), f.code[start:call.start()], f.va+uint64(call.end()), p.im.Table[layout.TableSyscall])
	if len(p.im.Stubs)+len(stub) > p.max {
		p.report(f.name, pc, fmt.Sprintf("the stub area of %d bytes is full", p.max))
		return
	}
	va := stubAt(len(p.im.Stubs))
	p.im.Stubs = append(p.im.Stubs, stub...)
	redirect(f.code[start:call.end()], f.va+uint64(start), va)
	p.im.Sites = append(p.im.Sites, Site{Func: f.name, PC: pc, Stub: va, Patched: true})
}

func (p *patcher) report(name string, pc uint64, reason string) {
	p.im.Sites = append(p.im.Sites, Site{Func: name, PC: pc, Reason: reason})
}
