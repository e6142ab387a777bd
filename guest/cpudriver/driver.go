// Package cpudriver is the guest's kernel: it owns the core. It is
// event-driven, single-threaded and non-preemptable and shares nothing: events
// are the runtime's system calls, CPU exceptions, the timer tick and doorbells
// of other cores (paper §4.3). The VMM starts the image at its ELF entry in
// CPL3; the whole program and this driver stay there, but for a few CPL0 stubs
// (vectors_amd64.s).
//
// Driver code runs on a stack of its own with a static g. It is ordinary Go
// with these limits: no allocation, no pointer stored anywhere but on the
// stack (there may be a write barrier on), no maps, interfaces, defer or
// panics. State is in package variables without pointers; addresses are
// uintptr.
package cpudriver

import "barreleye/devices/layout"

// Constants that the assembly sees as const_NAME.
const (
	abi         = layout.ABI
	imageMagic0 = layout.ImageMagic0
	imageMagic1 = layout.ImageMagic1

	// byte offsets of the image table's words
	atMagic0      = layout.TableMagic0 * 8
	atMagic1      = layout.TableMagic1 * 8
	atABI         = layout.TableABI * 8
	atSyscall     = layout.TableSyscall * 8
	atTrap        = layout.TableTrap * 8
	atVectors     = layout.TableVectors * 8
	atTick        = layout.TableTick * 8
	atDoorbell    = layout.TableDoorbell * 8
	atSpurious    = layout.TableSpurious * 8
	atCritical    = layout.TableCritical * 8
	atLeave       = layout.TableLeave * 8
	atCriticalEnd = layout.TableCriticalEnd * 8
	atState       = layout.TableState * 8
	atStateEnd    = layout.TableStateEnd * 8
	atTickNoted   = layout.TableTickNoted * 8
	atBellNoted   = layout.TableBellNoted * 8
	atStepNoted   = layout.TableStepNoted * 8
	tableWords    = layout.TableWords
	vectorStride  = layout.VectorStride

	driverLow   = layout.DriverLow
	driverSpan  = layout.PanicVA + layout.PanicSize - layout.DriverLow // all stacks of the driver
	driverStack = layout.DriverHigh - 64                               // room for an outgoing argument area
	panicStack  = layout.PanicVA + layout.PanicSize - 64
	stackLow    = layout.DriverVA
	stackGuard  = 2048
	stubLow     = layout.StubVA
	stubSpan    = layout.StubMax

	userCS  = layout.UserCS
	userSS  = layout.UserSS
	flagsIF = 0x202
	flagTF  = 1 << 8
	flagAC  = 1 << 18

	apicEOI   = layout.APICVA + 0xb0  // SDM vol. 3, table 11-1
	apicTimer = layout.APICVA + 0x380 // initial count
	apicICR   = layout.APICVA + 0x300 // interrupt command

	// the hardware frame on the trap stack, and below it vector and error code
	trapVector = layout.TrapStackTop - 7*8
	trapError  = layout.TrapStackTop - 6*8
	trapRIP    = layout.TrapStackTop - 5*8
	trapRFLAGS = layout.TrapStackTop - 3*8
	trapRSP    = layout.TrapStackTop - 2*8
)

// Commands of the gate into CPL0.
const (
	gateArm   = 0 // start the timer with the argument's count, 0 for none, with IF=1 from then on
	gateHalt  = 1 // argument: timer count to wake by, 0 for none
	gateFlush = 2 // drop all TLB entries
	gateInval = 3 // drop those of some pages: the argument is the first one's address, and in the low 12 bits their number
)

// Bits of pending, set by the CPL0 interrupt stubs where nothing else is said.
const (
	pendingTick     = 1
	pendingDoorbell = 2
	pendingStep     = 4 // set by the driver: see absorb
)

// Words shared with the assembly. Written by the driver unless said otherwise.
var (
	current        uintptr // address of the running context
	pending        uint64  // events not yet served; set by the CPL0 stubs, cleared by serveInterrupt
	rearm          uint32  // timer count that the CPL0 stubs load after a tick or halt
	vectorMask     uint32  // XSAVE state components of this CPU
	interruptedRIP uint64  // written by the CPL0 stubs for interruptEntry
	faultAddress   uint64  // CR2, written by the CPL0 stubs
	trapReturn     uint64
	trapCount      uint64
	scratchR11     uint64
	faultR11       uint64
	faultAX        uint64
	driverFlags    uint64 // of driver code after an exception or before an IRETQ
	driverTLS      [2]uint64
	driverG        [128]uint64
	imageTable     [tableWords]uint64
)

// booted is set by the first system call, which sets the driver up.
var booted bool

// InGuest reports whether this program runs as a Barreleye guest. It is false
// where the image was started as a plain Linux process.
func InGuest() bool { return booted && imageTable[0] == imageMagic0 }

// The image table must be linked in: nothing but the VMM refers to it.
func init() {
	if imageTable[atABI/8] != abi {
		panic("cpudriver: image table lost in linking")
	}
}
