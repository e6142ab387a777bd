// The driver's critical text: every way in from the program and the one way
// out. An interrupt that finds RIP between ·syscallEntry and ·criticalEnd, or
// RSP on a driver stack, or RIP in a patcher's stub, is only recorded in
// ·pending; one that finds RIP in the exit window [·leave, ·criticalEnd) is
// sent back to ·leave, which looks at ·pending again. So no event is lost and
// the driver is never entered twice. The order of the TEXTs in this file
// matters; the VMM refuses an image in which the linker changed it.
//
// Nothing is ever written to the program's stack.

#include "go_asm.h"
#include "textflag.h"

#define WRFSBASE_R10 BYTE $0xf3; BYTE $0x49; BYTE $0x0f; BYTE $0xae; BYTE $0xd2 // wrfsbase r10
#define XSAVE64_R12 BYTE $0x49; BYTE $0x0f; BYTE $0xae; BYTE $0x24; BYTE $0x24 // xsave64 ptr [r12]
#define XRSTOR64_R12 BYTE $0x49; BYTE $0x0f; BYTE $0xae; BYTE $0x2c; BYTE $0x24 // xrstor64 ptr [r12]

// DRIVER_GO makes the CPU fit for Go code: TLS with the driver's static g, no
// frame pointer, direction flag clear. The wrapper that CALL ·name(SB) leads to
// takes g from TLS into R14 and clears X15. R10 is lost.
#define DRIVER_GO \
	LEAQ ·driverTLS+8(SB), R10 \
	WRFSBASE_R10 \
	XORL BP, BP \
	CLD

// SAVE_KEPT stores into the context at R11 the registers that a system call
// preserves.
#define SAVE_KEPT \
	MOVQ BX, context_rbx(R11) \
	MOVQ DX, context_rdx(R11) \
	MOVQ SI, context_rsi(R11) \
	MOVQ DI, context_rdi(R11) \
	MOVQ BP, context_rbp(R11) \
	MOVQ R8, context_r8(R11) \
	MOVQ R9, context_r9(R11) \
	MOVQ R10, context_r10(R11) \
	MOVQ R12, context_r12(R11) \
	MOVQ R13, context_r13(R11) \
	MOVQ R14, context_r14(R11) \
	MOVQ R15, context_r15(R11)

// LOAD_KEPT is the inverse.
#define LOAD_KEPT \
	MOVQ context_rbx(R11), BX \
	MOVQ context_rdx(R11), DX \
	MOVQ context_rsi(R11), SI \
	MOVQ context_rdi(R11), DI \
	MOVQ context_rbp(R11), BP \
	MOVQ context_r8(R11), R8 \
	MOVQ context_r9(R11), R9 \
	MOVQ context_r10(R11), R10 \
	MOVQ context_r12(R11), R12 \
	MOVQ context_r13(R11), R13 \
	MOVQ context_r14(R11), R14 \
	MOVQ context_r15(R11), R15

// RESUME_INTERRUPTED continues the interrupted context at R11 with all of its
// registers. IRETQ stays at CPL3 and takes its frame from the context itself,
// which it only reads; it faults where NT is set, so flags must be the driver's.
#define RESUME_INTERRUPTED \
	MOVQ context_vector(R11), R12 \
	MOVL ·vectorMask(SB), AX \
	XORL DX, DX \
	XRSTOR64_R12 \
	LOAD_KEPT \
	MOVQ context_rax(R11), AX \
	MOVQ context_rcx(R11), CX \
	LEAQ context_rip(R11), SP \
	MOVQ context_r11(R11), R11 \
	IRETQ

// Contracts. All entries but trapEntry on hardware run at CPL3 with IF=1, which
// CPL3 cannot change, but for the first system call (IF=0, see startUp). All of them
// are TOPFRAME without a frame, are jumped to, do not return, allocate nothing, and
// write to no stack but the driver's. "Program" means: as the program left it. None
// may be called from Go.

// func syscallEntry()
//	from   a patched site's stub, ·enter, ·trapEntry, ·trapUser
//	in     RCX = return address; RAX = number; RSP, FS and all other registers
//	       and the flags: program
//	out    to ·leave, when ·serve has returned; the context continues behind the
//	       call with RAX = result and RBX RDX RSI RDI RBP R8-R10 R12-R15 RSP FS
//	       as they were. Lost: RCX = return address, R11, flags (DF is clear, AC and
//	       NT are as they were, here or in the thread that runs next), vector
//	       registers and MXCSR (another thread's, if the core was handed over)
//	stack  the program's is not used; the driver's, from its top
//	window an interrupt anywhere in here is recorded (RIP is critical): the
//	       context is half written
TEXT ·syscallEntry(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVQ ·current(SB), R11
	SAVE_KEPT
	MOVQ AX, context_rax(R11)
	MOVQ SP, context_rsp(R11)
	MOVQ CX, context_rip(R11)
	MOVQ $0, context_full(R11)
	MOVQ $const_driverStack, SP
	DRIVER_GO
	MOVQ R11, 0(SP)
	CALL ·serve(SB)
	JMP  ·leave(SB)

// func trapEntry()
// LSTAR: an unpatched SYSCALL.
//	in     RCX = return address, R11 = RFLAGS; all else program. PVM: CPL3, IF=1,
//	       FMASK applied or not. Hardware: CPL0, IF=0 (FMASK), RSP the program's
//	out    to ·syscallEntry at CPL3 with the same registers but R11 and flags,
//	       which SYSCALL may lose; on hardware by SYSRETQ through ·trapUser
//	stack  none: at CPL0 the program's RSP is never used, and no interrupt can
//	       push to it
//	window CPL3: recorded. CPL0: held until SYSRETQ sets IF, then RIP is ·trapUser
TEXT ·trapEntry(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	BYTE $0x41; BYTE $0x8c; BYTE $0xcb             // mov r11d, cs
	BYTE $0x41; BYTE $0xf6; BYTE $0xc3; BYTE $0x03 // test r11b, 0x3
	JNE  user
	MOVQ CX, ·trapReturn(SB)
	LEAQ ·trapUser(SB), CX
	MOVL $0x202, R11
	BYTE $0x48; BYTE $0x0f; BYTE $0x07             // sysret
user:
	INCQ ·trapCount(SB)
	JMP  ·syscallEntry(SB)

// func trapUser()
// The CPL3 half of the trap on hardware: gives RCX back, which SYSRETQ needed.
//	in     RCX = own address, ·trapReturn = return address; all else program
//	out    as ·trapEntry. ·trapReturn cannot be overwritten in between: a second
//	       SYSCALL is only made by the program, which does not run in here
TEXT ·trapUser(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVQ ·trapReturn(SB), CX
	INCQ ·trapCount(SB)
	JMP  ·syscallEntry(SB)

// func interruptEntry()
//	from   ·interruptCommon, which replaced the program's RIP by this one
//	in     ·interruptedRIP = the program's RIP; all registers and flags program
//	out    to ·leave, when ·serveInterrupt has returned; the context continues
//	       with every register, flag and vector register
//	stack  the program's is not used, nor its red zone; the driver's, from its top
//	window recorded (RIP is critical), so ·interruptedRIP and ·scratchR11 are
//	       read before another interrupt can write them. AC and TF may be set up to
//	       POPFQ: all accesses are aligned; for TF see flags.go
TEXT ·interruptEntry(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVQ R11, ·scratchR11(SB)
	MOVQ ·current(SB), R11
	MOVQ SP, context_rsp(R11)
	MOVQ $const_driverStack, SP
	PUSHFQ
	SAVE_KEPT
	MOVQ AX, context_rax(R11)
	MOVQ CX, context_rcx(R11)
	POPQ AX
	MOVQ AX, context_rflags(R11)
	PUSHQ ·driverFlags(SB)     // the program's must not reach another thread
	POPFQ
	MOVQ ·scratchR11(SB), AX
	MOVQ AX, context_r11(R11)
	MOVQ ·interruptedRIP(SB), AX
	MOVQ AX, context_rip(R11)
	MOVQ $1, context_full(R11)
	MOVQ context_vector(R11), R12
	MOVL ·vectorMask(SB), AX
	XORL DX, DX
	XSAVE64_R12
	DRIVER_GO
	CALL ·serveInterrupt(SB)
	JMP  ·leave(SB)

// func exceptionEntry()
// A fault of the program is saved in its context; one of the driver itself in
// ·driverFault, and is served on the panic stack, above whatever the driver had
// on its own.
//	from   ·exceptionCommon by IRETQ
//	in     vector, error code and hardware frame at const_trapVector and on;
//	       RSP = driver stack, flags = ·driverFlags, FS and all general and vector
//	       registers those of the faulting code
//	out    program: to ·leave, when ·serveException has returned. Driver: back to
//	       the faulting instruction, with every register
//	stack  driver's for the program, panic stack for the driver
//	window recorded: RSP is the driver's from the first instruction on. A second
//	       exception before the frame is read would overwrite it: what is touched
//	       here is present from boot on (the image table's state range)
TEXT ·exceptionEntry(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVQ R11, ·faultR11(SB)
	MOVQ AX, ·faultAX(SB)
	MOVQ const_trapRSP, AX
	MOVQ $const_driverLow, R11
	SUBQ R11, AX
	CMPQ AX, $const_driverSpan
	JCS  inDriver
	MOVQ const_trapRIP, AX
	CMPQ AX, ·imageTable+const_atCritical(SB)
	JCS  inProgram
	CMPQ AX, ·imageTable+const_atCriticalEnd(SB)
	JCC  inProgram
inDriver:
	LEAQ ·driverFault(SB), R11
	MOVQ $const_panicStack, SP
	JMP  save
inProgram:
	MOVQ ·current(SB), R11
	MOVQ $const_driverStack, SP
save:
	SAVE_KEPT
	MOVQ CX, context_rcx(R11)
	MOVQ ·faultAX(SB), AX
	MOVQ AX, context_rax(R11)
	MOVQ ·faultR11(SB), AX
	MOVQ AX, context_r11(R11)
	MOVQ const_trapRIP, AX
	MOVQ AX, context_rip(R11)
	MOVQ const_trapRFLAGS, AX
	MOVQ AX, context_rflags(R11)
	MOVQ const_trapRSP, AX
	MOVQ AX, context_rsp(R11)
	MOVQ $1, context_full(R11)
	MOVQ context_vector(R11), R12
	TESTQ R12, R12
	JEQ  unbooted
	MOVL ·vectorMask(SB), AX
	XORL DX, DX
	XSAVE64_R12
unbooted:
	DRIVER_GO
	MOVQ R11, 0(SP)
	LEAQ ·driverFault(SB), AX
	CMPQ AX, R11
	JEQ  fault
	CALL ·serveException(SB)
	JMP  ·leave(SB)
fault:
	CALL ·serveDriverFault(SB)
	LEAQ ·driverFault(SB), R11
	RESUME_INTERRUPTED

// func leave()
// The exit window: resume the context ·current. It may be restarted from any
// instruction, so it reads the context only, and decides nothing after the
// test of ·pending. A context stopped at a system call continues by a jump
// with RCX and R11 lost; one that was interrupted continues by an IRETQ.
//	in     ·current; nothing in registers
//	out    to the context, or first to ·serveInterrupt where events are pending
//	stack  the driver's, from its top; when the context's RSP is loaded (or, for
//	       IRETQ, the context's own address) it is not used any more
//	window an interrupt sends RIP back to the first instruction, with ·pending
//	       set. Registers and FS may be the context's by then: they are loaded
//	       again, and DRIVER_GO makes them Go's where events are served
TEXT ·leave(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
top:
	MOVQ $const_driverStack, SP
	CMPQ ·pending(SB), $0
	JNE  events
	MOVQ ·current(SB), R11
	MOVQ context_fs(R11), R10
	WRFSBASE_R10
	CMPQ context_full(R11), $0
	JNE  full
	LOAD_KEPT
	MOVQ context_rax(R11), AX
	MOVQ context_rip(R11), CX
	MOVQ context_rsp(R11), SP
	JMP  CX
full:
	PUSHQ ·driverFlags(SB)     // who came by a system call may have left NT
	POPFQ
	RESUME_INTERRUPTED
events:
	// Events came in while the driver ran: serve them, then try again.
	DRIVER_GO
	CALL ·serveInterrupt(SB)
	JMP  top

// func criticalEnd()
// Marks the end; never executed.
TEXT ·criticalEnd(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	UNDEF
