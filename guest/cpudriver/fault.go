package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/urpc/trace"
)

// Exception vectors with a meaning of their own here (SDM vol. 3, 6.3.1).
const (
	vecDivide    = 0
	vecDebug     = 1
	vecBreak     = 3
	vecUndefined = 6
	vecFloat     = 16
	vecAlign     = 17
	vecSIMD      = 19
	vecPageFault = 14
)

// trapped returns what the CPL0 stub left of the exception being served.
func trapped() faultInfo {
	return faultInfo{vector: load64(trapVector), err: load64(trapError), addr: faultAddress}
}

// touched backs memory that is populated on first touch, and reports whether f
// was that.
func (f faultInfo) touched() bool {
	return f.vector == vecPageFault && touch(f.addr, f.err)
}

// raise turns an exception of the program into the Linux signal that the runtime
// expects, so a nil dereference is a recoverable panic.
func raise(c *context, f faultInfo) {
	sig, info := uint64(sigSEGV), siginfo{code: 0x80} // SI_KERNEL
	switch f.vector {
	case vecPageFault:
		info.code, info.addr = 1, f.addr // SEGV_MAPERR
		if f.err&1 != 0 {
			info.code = 2 // SEGV_ACCERR
		}
		switch m, ok := addressSpace.Lookup(f.addr); {
		case ok && m.Kind == boot.KindRegion:
			info.code = 2
			explainPage(f)
		case f.addr >= layout.FrameVA && f.addr < layout.FrameEnd:
			explainFrame(f)
			if ok {
				info.code = 2
			}
		case ok && f.err&1 == 0 && m.Prot != 0:
			sig = sigBUS // memory that should be there could not be had
			info.code = 2
		}
	case vecDivide, vecFloat, vecSIMD:
		sig, info.code, info.addr = sigFPE, 1, c.rip // FPE_INTDIV
	case vecDebug, vecBreak:
		sig = sigTRAP
	case vecUndefined:
		sig, info.code, info.addr = sigILL, 2, c.rip // ILL_ILLOPN
	case vecAlign:
		sig, info.code = sigBUS, 1
	}
	if actions[sig].handler <= handlerIgnore || c.mask>>(sig-1)&1 != 0 {
		crash(c, f, 0)
	}
	lastFault = f
	deliver(c, sig, info)
	lastFault = faultInfo{}
}

// crash leaves the crash record and ends the core.
func crash(c *context, f faultInfo, inDriver uint64) {
	if !booted {
		startUp()
	}
	trace.Event(trace.Crash, f.vector, c.rip)
	record := view.Crash(coreID)
	*record = region.Crash{
		Vector: f.vector, Error: f.err, Address: f.addr, InDriver: inDriver,
		RIP: c.rip, RSP: c.rsp, RFLAGS: c.rflags,
		Regs: [15]uint64{c.rax, c.rbx, c.rcx, c.rdx, c.rsi, c.rdi, c.rbp,
			c.r8, c.r9, c.r10, c.r11, c.r12, c.r13, c.r14, c.r15},
		Threads: record.Threads,
	}
	snapshot(0)
	block().State.Store(region.StateCrashed)
	powerOff(powerCrash)
}
