// Checks of everything that a thread has in its CPU. ABI0, called from Go: all
// general registers but SP are the callee's to use, and so are vector registers,
// mask registers and flags. Flags and MXCSR are put back.

#include "go_asm.h"
#include "textflag.h"

#define RDFSBASE_AX BYTE $0xf3; BYTE $0x48; BYTE $0x0f; BYTE $0xae; BYTE $0xc0 // rdfsbase rax

// LOAD_KEPT loads the registers that a system call preserves from those at AX.
#define LOAD_KEPT \
	MOVQ registers_rbx(AX), BX \
	MOVQ registers_rdx(AX), DX \
	MOVQ registers_rsi(AX), SI \
	MOVQ registers_rdi(AX), DI \
	MOVQ registers_rbp(AX), BP \
	MOVQ registers_r8(AX), R8 \
	MOVQ registers_r9(AX), R9 \
	MOVQ registers_r10(AX), R10 \
	MOVQ registers_r12(AX), R12 \
	MOVQ registers_r13(AX), R13 \
	MOVQ registers_r14(AX), R14 \
	MOVQ registers_r15(AX), R15

// STORE_KEPT stores them into this frame, which changes no flag.
#define STORE_KEPT \
	MOVQ BX, registers_rbx(SP) \
	MOVQ DX, registers_rdx(SP) \
	MOVQ SI, registers_rsi(SP) \
	MOVQ DI, registers_rdi(SP) \
	MOVQ BP, registers_rbp(SP) \
	MOVQ R8, registers_r8(SP) \
	MOVQ R9, registers_r9(SP) \
	MOVQ R10, registers_r10(SP) \
	MOVQ R12, registers_r12(SP) \
	MOVQ R13, registers_r13(SP) \
	MOVQ R14, registers_r14(SP) \
	MOVQ R15, registers_r15(SP)

// func hold(want, got *registers, wantVector, gotVector *vector, width, count uint64)
// Loads all registers, spins count times without touching any but RCX, and stores
// what they are then. width: bytes of a vector register, 16, 32 or 64.
TEXT ·hold(SB),NOSPLIT,$256-48
	RDFSBASE_AX
	MOVQ AX, registers_base(SP)
	MOVQ wantVector+16(FP), AX
	MOVQ width+32(FP), CX
	CMPQ CX, $32
	JEQ  load32
	JHI  load64
	MOVOU (64*0)(AX), X0
	MOVOU (64*1)(AX), X1
	MOVOU (64*2)(AX), X2
	MOVOU (64*3)(AX), X3
	MOVOU (64*4)(AX), X4
	MOVOU (64*5)(AX), X5
	MOVOU (64*6)(AX), X6
	MOVOU (64*7)(AX), X7
	MOVOU (64*8)(AX), X8
	MOVOU (64*9)(AX), X9
	MOVOU (64*10)(AX), X10
	MOVOU (64*11)(AX), X11
	MOVOU (64*12)(AX), X12
	MOVOU (64*13)(AX), X13
	MOVOU (64*14)(AX), X14
	MOVOU (64*15)(AX), X15
	JMP  general
load32:
	VMOVDQU (64*0)(AX), Y0
	VMOVDQU (64*1)(AX), Y1
	VMOVDQU (64*2)(AX), Y2
	VMOVDQU (64*3)(AX), Y3
	VMOVDQU (64*4)(AX), Y4
	VMOVDQU (64*5)(AX), Y5
	VMOVDQU (64*6)(AX), Y6
	VMOVDQU (64*7)(AX), Y7
	VMOVDQU (64*8)(AX), Y8
	VMOVDQU (64*9)(AX), Y9
	VMOVDQU (64*10)(AX), Y10
	VMOVDQU (64*11)(AX), Y11
	VMOVDQU (64*12)(AX), Y12
	VMOVDQU (64*13)(AX), Y13
	VMOVDQU (64*14)(AX), Y14
	VMOVDQU (64*15)(AX), Y15
	JMP  general
load64:
	VMOVDQU64 (64*0)(AX), Z0
	VMOVDQU64 (64*1)(AX), Z1
	VMOVDQU64 (64*2)(AX), Z2
	VMOVDQU64 (64*3)(AX), Z3
	VMOVDQU64 (64*4)(AX), Z4
	VMOVDQU64 (64*5)(AX), Z5
	VMOVDQU64 (64*6)(AX), Z6
	VMOVDQU64 (64*7)(AX), Z7
	VMOVDQU64 (64*8)(AX), Z8
	VMOVDQU64 (64*9)(AX), Z9
	VMOVDQU64 (64*10)(AX), Z10
	VMOVDQU64 (64*11)(AX), Z11
	VMOVDQU64 (64*12)(AX), Z12
	VMOVDQU64 (64*13)(AX), Z13
	VMOVDQU64 (64*14)(AX), Z14
	VMOVDQU64 (64*15)(AX), Z15
	VMOVDQU64 (64*16)(AX), Z16
	VMOVDQU64 (64*17)(AX), Z17
	VMOVDQU64 (64*18)(AX), Z18
	VMOVDQU64 (64*19)(AX), Z19
	VMOVDQU64 (64*20)(AX), Z20
	VMOVDQU64 (64*21)(AX), Z21
	VMOVDQU64 (64*22)(AX), Z22
	VMOVDQU64 (64*23)(AX), Z23
	VMOVDQU64 (64*24)(AX), Z24
	VMOVDQU64 (64*25)(AX), Z25
	VMOVDQU64 (64*26)(AX), Z26
	VMOVDQU64 (64*27)(AX), Z27
	VMOVDQU64 (64*28)(AX), Z28
	VMOVDQU64 (64*29)(AX), Z29
	VMOVDQU64 (64*30)(AX), Z30
	VMOVDQU64 (64*31)(AX), Z31
	KMOVQ vector_masks+(8*1)(AX), K1
	KMOVQ vector_masks+(8*2)(AX), K2
	KMOVQ vector_masks+(8*3)(AX), K3
	KMOVQ vector_masks+(8*4)(AX), K4
	KMOVQ vector_masks+(8*5)(AX), K5
	KMOVQ vector_masks+(8*6)(AX), K6
	KMOVQ vector_masks+(8*7)(AX), K7
general:
	MOVQ want+0(FP), AX
	LDMXCSR registers_mxcsr(AX)
	MOVQ count+40(FP), CX
	PUSHQ registers_flags(AX)
	POPFQ
	LOAD_KEPT
	MOVQ registers_r11(AX), R11
	MOVQ registers_rax(AX), AX
spin:
	LOOP spin
	MOVQ AX, registers_rax(SP)
	MOVQ CX, registers_rcx(SP)
	MOVQ R11, registers_r11(SP)
	STORE_KEPT
	PUSHFQ
	POPQ AX
	MOVQ AX, registers_flags(SP)
	PUSHQ $0x202
	POPFQ
	STMXCSR registers_mxcsr(SP)
	PUSHQ $0x1f80
	LDMXCSR (SP)
	POPQ AX
	RDFSBASE_AX
	MOVQ AX, registers_fs(SP)
	MOVQ gotVector+24(FP), AX
	MOVQ width+32(FP), CX
	CMPQ CX, $32
	JEQ  store32
	JHI  store64
	MOVOU X0, (64*0)(AX)
	MOVOU X1, (64*1)(AX)
	MOVOU X2, (64*2)(AX)
	MOVOU X3, (64*3)(AX)
	MOVOU X4, (64*4)(AX)
	MOVOU X5, (64*5)(AX)
	MOVOU X6, (64*6)(AX)
	MOVOU X7, (64*7)(AX)
	MOVOU X8, (64*8)(AX)
	MOVOU X9, (64*9)(AX)
	MOVOU X10, (64*10)(AX)
	MOVOU X11, (64*11)(AX)
	MOVOU X12, (64*12)(AX)
	MOVOU X13, (64*13)(AX)
	MOVOU X14, (64*14)(AX)
	MOVOU X15, (64*15)(AX)
	JMP  stored
store32:
	VMOVDQU Y0, (64*0)(AX)
	VMOVDQU Y1, (64*1)(AX)
	VMOVDQU Y2, (64*2)(AX)
	VMOVDQU Y3, (64*3)(AX)
	VMOVDQU Y4, (64*4)(AX)
	VMOVDQU Y5, (64*5)(AX)
	VMOVDQU Y6, (64*6)(AX)
	VMOVDQU Y7, (64*7)(AX)
	VMOVDQU Y8, (64*8)(AX)
	VMOVDQU Y9, (64*9)(AX)
	VMOVDQU Y10, (64*10)(AX)
	VMOVDQU Y11, (64*11)(AX)
	VMOVDQU Y12, (64*12)(AX)
	VMOVDQU Y13, (64*13)(AX)
	VMOVDQU Y14, (64*14)(AX)
	VMOVDQU Y15, (64*15)(AX)
	VZEROUPPER
	JMP  stored
store64:
	VMOVDQU64 Z0, (64*0)(AX)
	VMOVDQU64 Z1, (64*1)(AX)
	VMOVDQU64 Z2, (64*2)(AX)
	VMOVDQU64 Z3, (64*3)(AX)
	VMOVDQU64 Z4, (64*4)(AX)
	VMOVDQU64 Z5, (64*5)(AX)
	VMOVDQU64 Z6, (64*6)(AX)
	VMOVDQU64 Z7, (64*7)(AX)
	VMOVDQU64 Z8, (64*8)(AX)
	VMOVDQU64 Z9, (64*9)(AX)
	VMOVDQU64 Z10, (64*10)(AX)
	VMOVDQU64 Z11, (64*11)(AX)
	VMOVDQU64 Z12, (64*12)(AX)
	VMOVDQU64 Z13, (64*13)(AX)
	VMOVDQU64 Z14, (64*14)(AX)
	VMOVDQU64 Z15, (64*15)(AX)
	VMOVDQU64 Z16, (64*16)(AX)
	VMOVDQU64 Z17, (64*17)(AX)
	VMOVDQU64 Z18, (64*18)(AX)
	VMOVDQU64 Z19, (64*19)(AX)
	VMOVDQU64 Z20, (64*20)(AX)
	VMOVDQU64 Z21, (64*21)(AX)
	VMOVDQU64 Z22, (64*22)(AX)
	VMOVDQU64 Z23, (64*23)(AX)
	VMOVDQU64 Z24, (64*24)(AX)
	VMOVDQU64 Z25, (64*25)(AX)
	VMOVDQU64 Z26, (64*26)(AX)
	VMOVDQU64 Z27, (64*27)(AX)
	VMOVDQU64 Z28, (64*28)(AX)
	VMOVDQU64 Z29, (64*29)(AX)
	VMOVDQU64 Z30, (64*30)(AX)
	VMOVDQU64 Z31, (64*31)(AX)
	KMOVQ K1, vector_masks+(8*1)(AX)
	KMOVQ K2, vector_masks+(8*2)(AX)
	KMOVQ K3, vector_masks+(8*3)(AX)
	KMOVQ K4, vector_masks+(8*4)(AX)
	KMOVQ K5, vector_masks+(8*5)(AX)
	KMOVQ K6, vector_masks+(8*6)(AX)
	KMOVQ K7, vector_masks+(8*7)(AX)
	VZEROUPPER
stored:
	MOVQ got+8(FP), DI
	LEAQ 0(SP), SI
	MOVQ $const_words, CX
	REP; MOVSQ
	RET

// func call(want, got *registers, step uint64)
// Makes the system call getpid with all registers loaded, and stores those that it
// preserves; step is ORed to the flags before it (TF).
TEXT ·call(SB),NOSPLIT,$256-24
	RDFSBASE_AX
	MOVQ AX, registers_base(SP)
	MOVQ want+0(FP), AX
	MOVQ step+16(FP), R11
	LOAD_KEPT
	PUSHFQ
	ORQ  R11, 0(SP)
	POPFQ
	MOVL $39, AX
	SYSCALL
	PUSHQ $0x202
	POPFQ
	MOVQ AX, registers_rax(SP)
	STORE_KEPT
	RDFSBASE_AX
	MOVQ AX, registers_fs(SP)
	MOVQ got+8(FP), DI
	LEAQ 0(SP), SI
	MOVQ $const_words, CX
	REP; MOVSQ
	RET

// func spinStepped(n uint64)
// Steps through n turns of a loop.
TEXT ·spinStepped(SB),NOSPLIT,$0-8
	MOVQ n+0(FP), CX
	PUSHQ $0x302
	POPFQ
spin:
	LOOP spin
	PUSHQ $0x202
	POPFQ
	RET

// func xgetbv() uint64
// Vector state that XCR0 enables.
TEXT ·xgetbv(SB),NOSPLIT,$0-8
	XORL CX, CX
	XGETBV
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET
