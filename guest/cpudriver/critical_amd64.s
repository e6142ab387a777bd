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
#define XSAVE64_R12 BYTE $0x49; BYTE $0x0f; BYTE $0xae; BYTE $0x24; BYTE $0x24 // xsave64 (r12)
#define XRSTOR64_R12 BYTE $0x49; BYTE $0x0f; BYTE $0xae; BYTE $0x2c; BYTE $0x24 // xrstor64 (r12)

// DRIVER_GO makes the CPU fit for Go code: TLS with the driver's static g,
// the zero register, no frame pointer, direction flag clear. R10 is lost.
#define DRIVER_GO \
	LEAQ ·driverTLS+8(SB), R10 \
	WRFSBASE_R10 \
	PXOR X15, X15 \
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
// registers. IRETQ stays at CPL3 and takes its frame from the context itself.
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

// func syscallEntry()
// Patched sites arrive here at CPL3: RCX = return address, all other registers
// as at the SYSCALL. IF=1.
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
// LSTAR: an unpatched SYSCALL. PVM arrives at CPL3 with IF=1, hardware at CPL0
// with IF=0 on the program's stack. RCX = return address, R11 = RFLAGS, which
// the call may lose.
TEXT ·trapEntry(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	BYTE $0x41; BYTE $0x8c; BYTE $0xcb             // mov r11d, cs
	BYTE $0x41; BYTE $0xf6; BYTE $0xc3; BYTE $0x03 // test r11b, 3
	JNE  user
	MOVQ CX, ·trapReturn(SB)
	LEAQ ·trapUser(SB), CX
	MOVL $0x202, R11
	BYTE $0x48; BYTE $0x0f; BYTE $0x07             // sysretq
user:
	INCQ ·trapCount(SB)
	JMP  ·syscallEntry(SB)

// func trapUser()
// The CPL3 half of the trap on hardware.
TEXT ·trapUser(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVQ ·trapReturn(SB), CX
	INCQ ·trapCount(SB)
	JMP  ·syscallEntry(SB)

// func interruptEntry()
// The CPL0 stub diverted the program here: all registers and flags are the
// program's, its RIP is in ·interruptedRIP. CPL3, IF=1.
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
// The CPL0 stub returned here after an exception: general registers are those
// of the faulting code, the hardware frame, vector and error code lie on the
// trap stack. A fault of the program is saved in its context; one of the
// driver itself in ·driverFault, and is served on the panic stack.
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
// with RCX and R11 lost; one that was interrupted continues by an IRETQ that
// stays at CPL3 and takes its frame from the context itself.
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
	RESUME_INTERRUPTED
events:
	// Events came in while the driver ran: serve them, then try again.
	DRIVER_GO
	CALL ·serveInterrupt(SB)
	JMP  top

// func criticalEnd()
TEXT ·criticalEnd(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	UNDEF
