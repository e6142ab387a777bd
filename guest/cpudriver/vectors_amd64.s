// CPL0 text: what runs with the CPU's own privilege. PVM emulates every
// instruction here at a third of a microsecond, so there are few, and none
// needs SSE. Entered through the IDT with IF=0.

#include "go_asm.h"
#include "textflag.h"

// Contracts. Everything up to ·spuriousVector runs at CPL0 with IF=0, entered by
// the CPU with a frame of SS RSP RFLAGS CS RIP (and an error code) on a CPL0 stack
// that it aligned to 16 bytes first; DF, AC, NT and TF are as the interrupted code
// had them, but for NT and TF, which the gate clears. No string instruction, no
// unaligned access, no SSE. General registers that are not named are not touched;
// those named are restored before IRETQ. Nothing allocates; nothing writes outside
// these stacks, the words named and the local APIC.

// Exceptions enter on the trap stack (IST1), which nothing else uses at that time:
// the code here and on the way to ·exceptionEntry's last read of it makes none.
// Each stub leaves vector and error code below the hardware frame, where
// ·exceptionEntry reads them.
#define NOERROR(n) PCALIGN $const_vectorStride; PUSHQ $0; PUSHQ $n; JMP ·exceptionCommon(SB)
#define ERROR(n) PCALIGN $const_vectorStride; PUSHQ $n; JMP ·exceptionCommon(SB)

// func exceptionVectors()
// 32 stubs, const_vectorStride bytes apart, as the VMM's IDT expects.
//	in     hardware frame, with an error code where ERROR says so
//	out    to ·exceptionCommon with vector and error code pushed
TEXT ·exceptionVectors(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	NOERROR(0)
	NOERROR(1)
	NOERROR(2)
	NOERROR(3)
	NOERROR(4)
	NOERROR(5)
	PCALIGN $const_vectorStride
	JMP ·undefinedVector(SB)
	NOERROR(7)
	ERROR(8)
	NOERROR(9)
	ERROR(10)
	ERROR(11)
	ERROR(12)
	ERROR(13)
	PCALIGN $const_vectorStride
	PUSHQ $14
	JMP ·pageFaultVector(SB)
	NOERROR(15)
	NOERROR(16)
	ERROR(17)
	NOERROR(18)
	NOERROR(19)
	NOERROR(20)
	ERROR(21)
	NOERROR(22)
	NOERROR(23)
	NOERROR(24)
	NOERROR(25)
	NOERROR(26)
	NOERROR(27)
	NOERROR(28)
	ERROR(29)
	ERROR(30)
	NOERROR(31)

// func pageFaultVector()
//	in     [0]=14 [8]=error code, hardware frame; CR2
//	out    the same to ·exceptionCommon, ·faultAddress = CR2
TEXT ·pageFaultVector(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	PUSHQ AX
	MOVQ CR2, AX
	MOVQ AX, ·faultAddress(SB)
	POPQ AX
	JMP  ·exceptionCommon(SB)

// func exceptionCommon()
// Return to CPL3 at ·exceptionEntry with IF=1; the original frame stays on the
// trap stack above the one built here.
//	in     [0]=vector [8]=error code, hardware frame
//	out    CPL3, RSP = driver stack (which marks the driver: interrupts are only
//	       recorded from here on), flags = ·driverFlags
TEXT ·exceptionCommon(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	PUSHQ $const_userSS
	PUSHQ $const_driverStack
	PUSHQ ·driverFlags(SB)
	PUSHQ $const_userCS
	PUSHQ ·exceptionTarget(SB)
	IRETQ

// func undefinedVector()
// UD2 at ·gate is the driver's call into CPL0; every other #UD is the
// program's.
//	in     hardware frame, no error code
//	out    to ·gateVector with RAX pushed, or to ·exceptionCommon as vector 6
TEXT ·undefinedVector(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	PUSHQ AX                   // [0]=RAX [8]=RIP [16]=CS
	MOVQ  8(SP), AX
	CMPQ  AX, ·gateTarget(SB)
	JNE   program
	JMP   ·gateVector(SB)
program:
	POPQ  AX
	PUSHQ $0
	PUSHQ $6
	JMP   ·exceptionCommon(SB)

// func gateVector()
//	in     [0]=RAX, hardware frame with RIP at the UD2; BX = command, CX = argument
//	out    CPL3 behind the UD2, after gateArm with IF=1; gateInval: RCX lost; halt: to
//	       ·haltVector or ·wakeVector, RCX lost
//	window IF=0 from the UD2 on: an interrupt is held until IRETQ or STI's shadow ends
TEXT ·gateVector(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	ADDQ $2, 8(SP)             // step over the UD2
	CMPQ BX, $const_gateHalt
	JEQ  halt
	CMPQ BX, $const_gateFlush
	JEQ  flush
	CMPQ BX, $const_gateInval
	JEQ  invalidate
	MOVQ $const_apicTimer, AX  // gateArm: start the tick
	MOVL CX, (AX)
	ORQ  $const_flagsIF, 24(SP) // the first one lets interrupts in: see startUp
	POPQ AX
	IRETQ
flush:
	MOVQ CR3, AX
	MOVQ AX, CR3
	POPQ AX
	IRETQ
invalidate:
	MOVQ CX, AX
	ANDQ $0xfff, CX
	SUBQ CX, AX
page:
	INVLPG (AX)
	ADDQ $4096, AX
	DECQ CX
	JNZ  page
	POPQ AX
	IRETQ
halt:
	MOVQ $const_apicTimer, AX
	MOVL CX, (AX)              // one shot for the nearest deadline, or 0
	CMPQ ·pending(SB), $0      // IF=0: nothing can come between test and STI
	JNE  awake
	JMP  ·haltVector(SB)
awake:
	JMP  ·wakeVector(SB)

// func haltVector()
//	in     [0]=RAX, the gate's frame; ·pending was 0 with IF=0
//	out    to ·wakeVector after an interrupt, or straight from ·doorbellVector
// Sleep until an interrupt. STI's shadow ends after HLT has begun, so the
// interrupt finds RIP behind it. Where the shadow is lost on the way (as QEMU's
// SVM seems to when its host is interrupted between the two) RIP is at the
// HLT, and ·interruptCommon steps over it. STI and HLT have one byte each.
TEXT ·haltVector(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	STI
	HLT
	JMP  ·wakeVector(SB)

// func wakeVector()
// The end of a halt: the tick starts again.
//	in     [0]=RAX, the gate's frame; IF=1 after a halt: an interrupt in here finds
//	       RSP on the trap stack, is recorded, and returns here
//	out    CPL3 behind the gate's UD2; RCX lost
TEXT ·wakeVector(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVQ $const_apicTimer, AX
	MOVL ·rearm(SB), CX
	MOVL CX, (AX)
	POPQ AX
	IRETQ

// Interrupts enter on a stack of their own (RSP0), or on the trap stack during
// a halt. One may come again at the first instruction of its own stub.

// func tickVector()
// The timer is a one-shot that rearms itself here.
//	in     hardware frame of an interrupt: from CPL3 on RSP0, from a halt below the
//	       gate's frame on the trap stack
//	out    to ·interruptCommon with RAX pushed, ·pending |= tick
TEXT ·tickVector(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	PUSHQ AX
	MOVQ $const_apicTimer, AX
	PUSHQ CX
	MOVL ·rearm(SB), CX
	MOVL CX, (AX)
	POPQ CX
	ORQ  $const_pendingTick, ·pending(SB)
	JMP  ·interruptCommon(SB)

// func doorbellVector()
//	in     as ·tickVector
//	out    to ·interruptCommon with RAX pushed, ·pending |= doorbell; or, from a
//	       halt, CPL3 behind the gate's UD2, RCX lost
// What wakes a core most: where it finds RIP at or behind the HLT it does at once
// what ·interruptCommon and ·wakeVector would, in half as many instructions. The
// interrupted RSP, which was not aligned before the frame was pushed, is where the
// gate's frame begins; CX is lost, as the gate says.
TEXT ·doorbellVector(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	PUSHQ AX
	ORQ  $const_pendingDoorbell, ·pending(SB)
	MOVQ 8(SP), AX
	SUBQ ·haltTarget(SB), AX
	CMPQ AX, $1
	JHI  elsewhere
	MOVQ $const_apicEOI, AX
	MOVL $0, (AX)
	MOVL ·rearm(SB), CX
	MOVL CX, (const_apicTimer-const_apicEOI)(AX)
	MOVQ 32(SP), SP
	POPQ AX
	IRETQ
elsewhere:
	JMP  ·interruptCommon(SB)

// func interruptCommon()
// Acknowledge, then decide where the event is taken: at once if the program runs,
// by ·leave if the driver does. CPL0 stacks count as the driver's.
//	in     [0]=RAX [8]=RIP [16]=CS [24]=RFLAGS [32]=RSP of the interrupted code
//	out    CPL3 (or the halt): the program at ·interruptEntry, with ·interruptedRIP
//	       = its RIP; the driver where it was, in the exit window at its beginning
TEXT ·interruptCommon(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVQ $const_apicEOI, AX
	MOVL $0, (AX)
	MOVQ 32(SP), AX
	SUBQ $const_driverLow, AX
	CMPQ AX, $const_driverSpan
	JCS  inDriver
	MOVQ 8(SP), AX
	CMPQ AX, ·imageTable+const_atCriticalEnd(SB)
	JCC  aboveCritical
	CMPQ AX, ·imageTable+const_atCritical(SB)
	JCC  inDriver
divert:
	MOVQ AX, ·interruptedRIP(SB)
	MOVQ ·interruptTarget(SB), AX
	MOVQ AX, 8(SP)
	POPQ AX
	IRETQ
aboveCritical:
	SUBQ $const_stubLow, AX
	CMPQ AX, $const_stubSpan
	JCS  inDriver
	ADDQ $const_stubLow, AX
	JMP  divert
inDriver:
	MOVQ 8(SP), AX
	CMPQ AX, ·haltTarget(SB)
	JEQ  halting
	CMPQ AX, ·imageTable+const_atLeave(SB)
	JCS  resume
	CMPQ AX, ·imageTable+const_atCriticalEnd(SB)
	JCC  resume
	MOVQ ·imageTable+const_atLeave(SB), AX
	MOVQ AX, 8(SP)
resume:
	POPQ AX
	IRETQ
halting:
	INCQ 8(SP)                 // see ·haltVector
	POPQ AX
	IRETQ

// func spuriousVector()
// A spurious interrupt is not acknowledged (SDM vol. 3, 11.9).
TEXT ·spuriousVector(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	IRETQ

// The rest is CPL3 text, IF=1, called on the stack of whoever calls.

// func gate()
// CPL3 side of the gate, for the driver: BX = command, CX = argument; loses CX and
// flags. Called on the driver's stack, so interrupts are only recorded.
TEXT ·gate(SB),NOSPLIT|NOFRAME,$0
	BYTE $0x0f; BYTE $0x0b     // ud2
	RET

// func callGate(command, argument uint64)
// On the driver's stack, ABI0: loses BX, CX, flags.
TEXT ·callGate(SB),NOSPLIT,$0-16
	MOVQ command+0(FP), BX
	MOVQ argument+8(FP), CX
	CALL ·gate(SB)
	RET

// func enter()
// Turns a CALL into the register form that ·syscallEntry expects.
//	in     [0]=return address; all other registers are the call's
//	out    to ·syscallEntry, RCX = return address, the caller's stack as before
//	       its CALL. An interrupt in here finds the program: it resumes here
TEXT ·enter(SB),NOSPLIT|NOFRAME,$0
	POPQ CX
	JMP  ·syscallEntry(SB)

// func invoke(call, a, b, c uint64) uint64
// A call of the driver's own, from goroutines: same entry as system calls,
// never a trap. On the goroutine's stack, ABI0: of what a system call loses, Go
// code expects X15 = 0.
TEXT ·invoke(SB),NOSPLIT,$0-40
	MOVQ call+0(FP), AX
	MOVQ a+8(FP), DI
	MOVQ b+16(FP), SI
	MOVQ c+24(FP), DX
	CALL ·enter(SB)
	PXOR X15, X15
	MOVQ AX, ret+32(FP)
	RET

// func exchange(call, a, timeout, about uint64, m Message) (r, aboutGot uint64, got Message)
// invoke with a message in registers, each way (handover.go).
TEXT ·exchange(SB),NOSPLIT,$0-112
	MOVQ call+0(FP), AX
	MOVQ a+8(FP), DI
	MOVQ timeout+16(FP), R9
	MOVQ about+24(FP), BX
	MOVQ m_W0+32(FP), SI
	MOVQ m_W1+40(FP), DX
	MOVQ m_W2+48(FP), R10
	MOVQ m_W3+56(FP), R8
	CALL ·enter(SB)
	PXOR X15, X15
	MOVQ AX, r+64(FP)
	MOVQ BX, aboutGot+72(FP)
	MOVQ SI, got_W0+80(FP)
	MOVQ DX, got_W1+88(FP)
	MOVQ R10, got_W2+96(FP)
	MOVQ R8, got_W3+104(FP)
	RET

// func xgetbv() uint64
// Vector state that XCR0 enables. Loses AX, CX, DX.
TEXT ·xgetbv(SB),NOSPLIT,$0-8
	XORL CX, CX
	XGETBV
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET

// func pause()
// Loses nothing.
TEXT ·pause(SB),NOSPLIT,$0-0
	PAUSE
	RET

// func storeDoorbell(register uintptr)
// One 4-byte store: an ioeventfd exit. Loses AX.
TEXT ·storeDoorbell(SB),NOSPLIT,$0-8
	MOVQ register+0(FP), AX
	MOVL $1, (AX)
	RET

// The image table (devices/layout). It is data the VMM searches for.
DATA ·imageTable+const_atMagic0(SB)/8, $const_imageMagic0
DATA ·imageTable+const_atMagic1(SB)/8, $const_imageMagic1
DATA ·imageTable+const_atABI(SB)/8, $const_abi
DATA ·imageTable+const_atSyscall(SB)/8, $·syscallEntry(SB)
DATA ·imageTable+const_atTrap(SB)/8, $·trapEntry(SB)
DATA ·imageTable+const_atVectors(SB)/8, $·exceptionVectors(SB)
DATA ·imageTable+const_atTick(SB)/8, $·tickVector(SB)
DATA ·imageTable+const_atDoorbell(SB)/8, $·doorbellVector(SB)
DATA ·imageTable+const_atSpurious(SB)/8, $·spuriousVector(SB)
DATA ·imageTable+const_atCritical(SB)/8, $·syscallEntry(SB)
DATA ·imageTable+const_atLeave(SB)/8, $·leave(SB)
DATA ·imageTable+const_atCriticalEnd(SB)/8, $·criticalEnd(SB)
DATA ·imageTable+const_atState(SB)/8, $runtime·noptrbss(SB)
DATA ·imageTable+const_atStateEnd(SB)/8, $·contexts+const_contextsSize(SB)
DATA ·imageTable+const_atTickNoted(SB)/8, $·tickNoted(SB)
DATA ·imageTable+const_atBellNoted(SB)/8, $·bellNoted(SB)
DATA ·imageTable+const_atStepNoted(SB)/8, $·stepNoted(SB)
GLOBL ·imageTable(SB), RODATA|NOPTR, $(const_tableWords*8)

// Addresses the stubs need before any Go code has run.
DATA ·exceptionTarget(SB)/8, $·exceptionEntry(SB)
GLOBL ·exceptionTarget(SB), RODATA|NOPTR, $8
DATA ·interruptTarget(SB)/8, $·interruptEntry(SB)
GLOBL ·interruptTarget(SB), RODATA|NOPTR, $8
DATA ·gateTarget(SB)/8, $·gate(SB)
GLOBL ·gateTarget(SB), RODATA|NOPTR, $8
DATA ·haltTarget(SB)/8, $·haltVector+1(SB)
GLOBL ·haltTarget(SB), RODATA|NOPTR, $8

// The static g of driver code and the thread-local word that names it: Go
// finds g at FS-8. The first words of a g are its stack bounds.
DATA ·driverTLS+0(SB)/8, $·driverG(SB)
GLOBL ·driverTLS(SB), NOPTR, $16
DATA ·driverG+0(SB)/8, $const_stackLow
DATA ·driverG+8(SB)/8, $const_driverStack
DATA ·driverG+16(SB)/8, $(const_stackLow+const_stackGuard)
DATA ·driverG+24(SB)/8, $(const_stackLow+const_stackGuard)
GLOBL ·driverG(SB), NOPTR, $1024

// The flags of driver code: IF, or TF too while its windows are stepped through.
DATA ·driverFlags(SB)/8, $const_flagsIF
GLOBL ·driverFlags(SB), NOPTR, $8

// The running context; the first thread's to begin with.
DATA ·current(SB)/8, $·contexts(SB)
GLOBL ·current(SB), NOPTR, $8
