package cpudriver

import "unsafe"

// Linux's signal frame on x86-64 (arch/x86/include/asm/sigframe.h,
// uapi/asm/sigcontext.h), as the Go runtime reads it.

// sigcontext is struct sigcontext_64.
type sigcontext struct {
	r8, r9, r10, r11, r12, r13, r14, r15        uint64
	rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip uint64
	rflags                                      uint64
	cs, gs, fs, ss                              uint16
	err, trapno, oldmask, cr2                   uint64
	fpstate                                     uint64
	_                                           [8]uint64
}

// ucontext is struct ucontext.
type ucontext struct {
	flags, link                  uint64
	stack, stackFlags, stackSize uint64
	mcontext                     sigcontext
	mask                         uint64
}

// siginfo is the beginning of siginfo_t.
type siginfo struct {
	signo, errno, code, _ int32
	addr                  uint64
	_                     [104]byte
}

// sigframe is struct rt_sigframe.
type sigframe struct {
	restorer uint64
	uc       ucontext
	info     siginfo
}

const (
	_ = -(unsafe.Offsetof(ucontext{}.mcontext) - 40)
	_ = -(unsafe.Offsetof(sigcontext{}.rflags) - 136)
	_ = -(unsafe.Offsetof(sigcontext{}.err) - 152)
	_ = -(unsafe.Offsetof(sigcontext{}.fpstate) - 184)
	_ = -(unsafe.Offsetof(ucontext{}.mask) - 296)
	_ = -(unsafe.Sizeof(siginfo{}) - 128)
)

// sigreturnFlags are those that a handler's return restores, as on Linux: status
// flags, DF, TF, AC.
const sigreturnFlags = 0xcd5 | flagTF | flagAC

// pristine is the vector state of a thread at a system call: Go keeps nothing
// in vector registers there.
var pristine = [vectorSize / 8]uint64{0: 0x37f, 3: 0x1f80} // FCW; MXCSR

// fault describes the exception behind a synchronous signal.
type faultInfo struct{ vector, err, addr uint64 }

var lastFault faultInfo

// deliver builds sig's frame on the thread's signal stack and makes c continue
// in the handler. The interrupted stack is not touched, unless it is the
// signal stack itself or none was set.
func deliver(c *context, sig uint64, info siginfo) {
	a := actions[sig]
	sp := c.rsp - 128 // the System V red zone
	if onAlt := c.rsp > c.altStack && c.rsp <= c.altStack+c.altSize; !onAlt && c.altSize != 0 && a.flags&onStack != 0 {
		sp = c.altStack + c.altSize
	}
	counters().Signals++

	fp := (sp - vectorSize) &^ 63
	source := c.vector
	if c.full == 0 {
		// What the context holds of these is from when it was last interrupted.
		source = addressOf(&pristine[0])
		c.rcx, c.r11, c.rflags = c.rip, flagsIF, flagsIF
	}
	copy(bytesAt(fp, vectorSize), bytesAt(source, vectorSize))

	// the handler is entered as if by a CALL: RSP+8 on a 16-byte boundary
	at := (fp-uint64(unsafe.Sizeof(sigframe{})))&^15 - 8
	f := typed[sigframe](at)
	*f = sigframe{restorer: a.restorer, info: info}
	f.info.signo = int32(sig)
	f.uc.stack, f.uc.stackSize = c.altStack, c.altSize
	f.uc.mask = c.mask
	f.uc.mcontext = sigcontext{
		r8: c.r8, r9: c.r9, r10: c.r10, r11: c.r11, r12: c.r12, r13: c.r13, r14: c.r14, r15: c.r15,
		rdi: c.rdi, rsi: c.rsi, rbp: c.rbp, rbx: c.rbx, rdx: c.rdx, rax: c.rax, rcx: c.rcx,
		rsp: c.rsp, rip: c.rip, rflags: c.rflags, cs: userCS, ss: userSS,
		err: lastFault.err, trapno: lastFault.vector, oldmask: c.mask, cr2: lastFault.addr,
		fpstate: fp,
	}
	c.rsp = at
	c.rdi, c.rsi, c.rdx = sig, addressOf(&f.info), addressOf(&f.uc)
	c.rax = 0
	c.rip = a.handler
	c.rflags = 0x202
	copy(bytesAt(c.vector, vectorSize), bytesAt(addressOf(&pristine[0]), vectorSize))
	c.full = 1
	c.mask |= a.mask
	if a.flags&noDefer == 0 {
		c.mask |= 1 << (sig - 1)
	}
}

// sysSigreturn resumes what the frame above the stack pointer describes; the
// handler has popped the restorer's address.
func sysSigreturn(c *context) {
	uc := typed[ucontext](c.rsp)
	m := &uc.mcontext
	c.r8, c.r9, c.r10, c.r11 = m.r8, m.r9, m.r10, m.r11
	c.r12, c.r13, c.r14, c.r15 = m.r12, m.r13, m.r14, m.r15
	c.rdi, c.rsi, c.rbp, c.rbx = m.rdi, m.rsi, m.rbp, m.rbx
	c.rdx, c.rax, c.rcx, c.rsp = m.rdx, m.rax, m.rcx, m.rsp
	c.rip = m.rip
	c.rflags = m.rflags&sigreturnFlags | flagsIF
	c.mask = uc.mask
	copy(bytesAt(c.vector, vectorSize), bytesAt(m.fpstate, vectorSize))
	c.full = 1
	handled(m.rip)
}
