package machine

import (
	"encoding/binary"

	"barreleye/devices/layout"
	"barreleye/vmm/kvm"
)

// CPL0's tables on two supervisor pages: GDT and TSS on the first, IDT on the
// second (SDM vol. 3, 3.4.5, 7.7, 6.14.1).
const (
	tablePages = 2
	gdtVA      = layout.TablesVA
	tssVA      = layout.TablesVA + 0x800
	idtVA      = layout.TablesVA + layout.PageSize
	tssSize    = 0x68
)

// writeDescriptors fills the two pages. table is the image table; noted says that
// the interrupt stubs are to note where they interrupt the driver.
func writeDescriptors(page []byte, table *[layout.TableWords]uint64, noted bool) {
	put := func(at int, v uint64) { binary.LittleEndian.PutUint64(page[at:], v) }

	// flat segments, accessed bit set so that the CPU never writes them
	put(layout.KernelCS, 0x00af9b000000ffff) // 64-bit code, DPL 0
	put(layout.KernelSS, 0x00cf93000000ffff)
	put(layout.UserCS32&^7, 0x00cffb000000ffff) // selector SYSRET counts from
	put(layout.UserSS&^7, 0x00cff3000000ffff)
	put(layout.UserCS&^7, 0x00affb000000ffff)
	put(layout.TaskSel, (tssSize-1)|(tssVA&0xffffff)<<16|0x8b<<40|(tssVA>>24&0xff)<<56)
	put(layout.TaskSel+8, tssVA>>32)

	tss := tssVA - gdtVA
	put(tss+0x04, layout.IRQStackTop)                      // RSP0
	put(tss+0x24, layout.TrapStackTop)                     // IST1
	put(tss+0x2c, layout.DebugStackTop)                    // IST2
	binary.LittleEndian.PutUint16(page[tss+0x66:], 0xffff) // no I/O bitmap

	gate := func(vector int, target uint64, dpl, ist uint64) {
		low, high := gateWords(target, dpl, ist)
		at := idtVA - gdtVA + vector*16
		put(at, low)
		put(at+8, high)
	}
	tick, bell := table[layout.TableTick], table[layout.TableDoorbell]
	if noted {
		tick, bell = table[layout.TableTickNoted], table[layout.TableBellNoted]
	}
	for v := range 32 {
		target, dpl, ist := table[layout.TableVectors]+uint64(v)*layout.VectorStride, uint64(0), uint64(1)
		if v == 1 && noted {
			// steps through what reads another exception's frame from IST1
			target, ist = table[layout.TableStepNoted], 0
		}
		if v == 3 {
			dpl = 3 // INT3 is the program's to use
		}
		gate(v, target, dpl, ist)
	}
	// Interrupts use no IST: QEMU's SVM delivers an injected one twice when its
	// loop is interrupted just then, and a second frame at the same place would
	// overwrite the first. Stacked, the second is only a spurious interrupt.
	gate(layout.VectorTick, tick, 0, 0)
	gate(layout.VectorDoorbell, bell, 0, 0)
	gate(layout.VectorSpurious, table[layout.TableSpurious], 0, 0)
}

// gateWords returns the two words of an interrupt gate: a handler in CPL0's text that
// is entered with IF=0, on stack ist of the TSS (0: the usual one).
func gateWords(target uint64, dpl, ist uint64) (low, high uint64) {
	return target&0xffff | layout.KernelCS<<16 | ist<<32 | (0x8e|dpl<<5)<<40 | (target>>16&0xffff)<<48, target >> 32
}

// Control register and EFER bits (SDM vol. 3, 2.5, 2.2.1).
const (
	cr0PE         = 1 << 0
	cr0           = 1<<31 | 1<<18 | 1<<16 | 1<<5 | 1<<4 | 1<<1 | cr0PE // PG AM WP NE ET MP PE
	cr4           = 1<<5 | 1<<9 | 1<<10 | 1<<18                        // PAE OSFXSR OSXMMEXCPT OSXSAVE
	cr4FSGSBASE   = 1 << 16
	efer          = 1<<0 | 1<<8 | 1<<10 | 1<<11 // SCE LME LMA NXE
	apicEnable    = 1 << 11
	apicBootCPU   = 1 << 8
	msrSTAR       = 0xc000_0081
	msrLSTAR      = 0xc000_0082
	msrSFMASK     = 0xc000_0084
	msrStealTime  = 0x4b56_4d03 // MSR_KVM_STEAL_TIME; bit 0 of its value: enabled
	sfmask        = 0x47500     // AC NT IOPL DF TF
	rflagsIF      = 1 << 9
	rflags        = 2      // IF=0: the driver, when it is ready, lets interrupts in
	cpuidFSGSBASE = 1 << 0 // leaf 7 EBX
)

// The segments of CPL3.
var (
	userCode = kvm.Segment{Limit: 0xffffffff, Selector: layout.UserCS, Typ: 11, Present: 1, DPL: 3, S: 1, L: 1, G: 1}
	userData = kvm.Segment{Limit: 0xffffffff, Selector: layout.UserSS, Typ: 3, Present: 1, DPL: 3, DB: 1, S: 1, G: 1}
)

func setSystemRegisters(sys *kvm.System, c *kvm.VCPU, table *[layout.TableWords]uint64, root uint64) error {
	s, err := c.Sregs()
	if err != nil {
		return err
	}
	s.CR0, s.CR3, s.CR4, s.EFER = cr0, root, cr4, efer
	if e, ok := sys.CPUID(7, 0); ok && e.Ebx&cpuidFSGSBASE != 0 {
		s.CR4 |= cr4FSGSBASE
	}
	s.CS = userCode
	s.SS, s.DS, s.ES, s.FS, s.GS = userData, userData, userData, userData, userData
	s.GDT = kvm.Descriptor{Base: gdtVA, Limit: layout.TaskSel + 16 - 1}
	s.IDT = kvm.Descriptor{Base: idtVA, Limit: 256*16 - 1}
	s.TR = kvm.Segment{Base: tssVA, Limit: tssSize - 1, Selector: layout.TaskSel, Typ: 11, Present: 1}
	s.ApicBase = layout.APICGPA | apicEnable | apicBootCPU
	if err := c.SetSregs(s); err != nil {
		return err
	}
	// Where SYSCALL raises to CPL0 it stays on the program's stack, where no
	// interrupt may push a frame. PVM stays at CPL3, which could not set IF again.
	mask := uint64(sfmask | rflagsIF)
	if kvm.DetectFlavour() == kvm.PVM {
		mask = sfmask
	}
	return c.SetMSRs(
		msrSTAR, layout.KernelCS<<32|layout.UserCS32<<48,
		msrLSTAR, table[layout.TableTrap],
		msrSFMASK, mask)
}

// vectorState are the XCR0 components Go code uses: x87, SSE, AVX, AVX-512.
const vectorState = 0xe7

func setVectorState(sys *kvm.System, c *kvm.VCPU) error {
	mask := uint64(3)
	if e, ok := sys.CPUID(0xd, 0); ok {
		mask = uint64(e.Eax) & vectorState
	}
	if mask&0xe0 != 0xe0 {
		mask &^= 0xe0 // AVX-512 comes whole or not at all
	}
	return c.SetXCR0(mask)
}

// Local APIC registers (SDM vol. 3, table 11-1).
const (
	apicSpurious = 0xf0
	apicTimerLVT = 0x320
	apicDivide   = 0x3e0
	divideBy16   = 3
)

// setLocalAPIC enables the local APIC with its timer as a stopped one-shot.
func setLocalAPIC(c *kvm.VCPU) error {
	l, err := c.LAPIC()
	if err != nil {
		return err
	}
	put := func(reg int, v uint32) { binary.LittleEndian.PutUint32(l.Regs[reg:], v) }
	put(apicSpurious, 1<<8|layout.VectorSpurious)
	put(apicTimerLVT, layout.VectorTick)
	put(apicDivide, divideBy16)
	return c.SetLAPIC(l)
}
