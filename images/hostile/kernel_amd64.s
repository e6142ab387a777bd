// What is for CPL0, and what is for nobody.

#include "go_asm.h"
#include "textflag.h"

// LOAD loads registers from the state at AX.
#define LOAD \
	MOVQ state_bx(AX), BX \
	MOVQ state_cx(AX), CX \
	MOVQ state_dx(AX), DX \
	MOVQ state_si(AX), SI \
	MOVQ state_di(AX), DI \
	MOVQ state_r8(AX), R8 \
	MOVQ state_r9(AX), R9 \
	MOVQ state_r10(AX), R10 \
	MOVQ state_r11(AX), R11 \
	MOVQ state_r12(AX), R12 \
	MOVQ state_r13(AX), R13 \
	MOVQ state_r15(AX), R15 \
	MOVQ state_ax(AX), AX

// WAY n, next: goes to next unless R8 is n.
#define WAY(n, next) \
	CMPQ R8, $n \
	JNE next

// func kernel()
// Entered through the gate of #BP, with the frame of an interrupt without error code on
// the stack, interrupts off. All registers are whatever the program had.
TEXT ·kernel(SB),NOSPLIT|NOFRAME,$0-0
	WAY(0, k1)
	OUTB
	JMP  back
k1:	WAY(1, k2)
	OUTW
	JMP  back
k2:	WAY(2, k3)
	OUTL
	JMP  back
k3:	WAY(3, k4)
	INB
	JMP  back
k4:	WAY(4, k5)
	INL
	JMP  back
k5:	WAY(5, k6)
	REP; OUTSB
	JMP  back
k6:	WAY(6, k7)
	REP; INSB
	JMP  back
k7:	WAY(7, k8)
	WRMSR
	JMP  back
k8:	WAY(8, k9)
	RDMSR
	JMP  back
k9:	WAY(9, k10)
	MOVQ AX, CR0
	JMP  back
k10:	WAY(10, k11)
	MOVQ AX, CR4
	JMP  back
k11:	WAY(11, k12)
	MOVQ AX, CR3
	JMP  back
k12:	WAY(12, k13)
	CLI
	HLT
	JMP  back
k13:	WAY(13, k14)
	LIDT (BX)
	JMP  back
k14:	WAY(14, k15)
	BYTE $0x0f; BYTE $0x01; BYTE $0xc1 // vmcall
	JMP  back
k15:	WAY(15, k16)
	BYTE $0x0f; BYTE $0x01; BYTE $0xd9 // vmmcall
	JMP  back
k16:	WAY(16, k17)
	INVD
	JMP  back
k17:	WAY(17, k18)
	MOVQ AX, DR7
	JMP  back
k18:	WAY(18, k19)
	MOVQ AX, (BX)
	JMP  back
k19:	MOVQ AX, SP // the frame goes
	UD2
back:
	IRETQ

// func ruleAs(s *state)
TEXT ·ruleAs(SB),NOSPLIT,$0-8
	MOVQ s+0(FP), AX
	LOAD
	BYTE $0xcc // int3
	RET

// CASE n, next: goes to next unless the number on the stack is n.
#define CASE(n, next) \
	CMPQ which-8(SP), $n \
	JNE next

// func misuseAs(s *state, which uint64)
TEXT ·misuseAs(SB),NOSPLIT,$8-16
	MOVQ which+8(FP), AX
	MOVQ AX, which-8(SP)
	MOVQ s+0(FP), AX
	LOAD
	CASE(0, m1)
	HLT
m1:	CASE(1, m2)
	CLI
m2:	CASE(2, m3)
	OUTB
m3:	CASE(3, m4)
	INL
m4:	CASE(4, m5)
	RDMSR
m5:	CASE(5, m6)
	WRMSR
m6:	CASE(6, m7)
	INT  $0x80
m7:	CASE(7, m8)
	INT  $0x40 // the tick's
m8:	CASE(8, m9)
	INT  $0x02
m9:	CASE(9, m10)
	BYTE $0x0f; BYTE $0x01; BYTE $0xc1 // vmcall
m10:	CASE(10, m11)
	BYTE $0x0f; BYTE $0x01; BYTE $0xd9 // vmmcall
m11:	CASE(11, m12)
	IRETQ
m12:	CASE(12, m13)
	SYSRET
m13:	CASE(13, m14)
	MOVQ AX, CR3
m14:	CASE(14, m15)
	PUSHQ AX
	BYTE $0x9d // popfq, of which the assembler would want to know the way back too
	ADJSP $-8
m15:	CASE(15, m16)
	MOVQ AX, SP // and the next thing that wants a stack
	INT  $0x80
m16:	CASE(16, m17)
	JMP AX
m17:	UD2
	RET
