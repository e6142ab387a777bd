// The least that two guests need to wake each other: no Go, no driver. It is
// copied into a guest as its whole text, so it must not refer to anything
// outside but fixed addresses. Parameters lie at ·paramVA (minimal.go):
//
//	+0  message: word in the shared region, written by core 0
//	+8  reply:   two words in the shared region, number and TSC, by core 1
//	+16 results: array of n words in the shared region, cycles one way, by core 0
//	+24 gap:     cycles from a reply to the next message
//	+32 n:       messages
//	+40 pending: set by the interrupt stub

#include "go_asm.h"
#include "textflag.h"

#define STUB PCALIGN $16; UNDEF

// func minimalText()
// 32 exception vectors, 16 bytes apart, of which only #UD (6) is expected;
// then the doorbell's stub at +512, then the program at +576.
TEXT ·minimalText(SB),NOSPLIT|NOFRAME,$0
	PCALIGN $64
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	PCALIGN $16
	JMP  halt
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	STUB
	PCALIGN $64
	// doorbell, CPL0: acknowledge and note it
	PUSHQ AX
	MOVQ $const_apicEOI, AX
	MOVL $0, (AX)
	MOVQ $1, const_pendingVA
	MOVQ 8(SP), AX
	CMPB (AX), $0xf4           // at a HLT whose STI shadow was lost on the way:
	JNE  noted                 // it must not sleep now
	INCQ 8(SP)
noted:
	POPQ AX
	IRETQ
	PCALIGN $64
	// program, CPL3
	MOVQ $const_paramVA, DI
	MOVQ 0(DI), R8             // message
	MOVQ 8(DI), R9             // reply
	MOVQ 16(DI), R10           // results
	MOVQ 24(DI), R11           // gap
	MOVQ 32(DI), R12           // n
	MOVQ $1, BX
	MOVQ $const_coreVA, AX
	MOVL (AX), AX
	TESTL AX, AX
	JNE  sleeper
sender:
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, R13
	ADDQ R11, R13
gap:
	PAUSE
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	CMPQ AX, R13
	JCS  gap
	MOVQ AX, R14               // sent
	MOVQ BX, (R8)
	MOVQ $const_doorbellVA, AX
	MOVL $1, (AX)
answer:
	PAUSE
	CMPQ 0(R9), BX
	JNE  answer
	MOVQ 8(R9), AX
	SUBQ R14, AX
	MOVQ AX, (R10)
	ADDQ $8, R10
	INCQ BX
	CMPQ BX, R12
	JLS  sender
	JMP  leave
sleeper:
	BYTE $0x0f; BYTE $0x0b     // ud2: sleep at CPL0
	CMPQ (R8), BX
	JNE  sleeper
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, 8(R9)
	MOVQ BX, 0(R9)
	INCQ BX
	CMPQ BX, R12
	JLS  sleeper
leave:
	MOVQ $const_powerVA, AX
	MOVL $const_powerExit, (AX)
	JMP  leave
halt:
	// #UD, CPL0, IF=0: step over the UD2 and sleep unless already rung
	ADDQ $2, 0(SP)
	CMPQ const_pendingVA, $0
	JNE  rung
	STI
	HLT
rung:
	MOVQ $0, const_pendingVA
	IRETQ

// func minimalEnd()
TEXT ·minimalEnd(SB),NOSPLIT|NOFRAME,$0
	UNDEF

// Where the text above starts and ends. A Go func value would give the address
// of a wrapper.
DATA ·minimalBounds+0(SB)/8, $·minimalText(SB)
DATA ·minimalBounds+8(SB)/8, $·minimalEnd(SB)
GLOBL ·minimalBounds(SB), RODATA|NOPTR, $16
