#include "go_asm.h"
#include "textflag.h"

// FILL writes record number CX of the ring whose head is at BX and whose records
// minus one are SI. R8, R9: arguments; R10: kind. AX, DX, SI, DI, R11 and R12 are
// lost. Plain stores: x86 makes them visible in this order, the word with the
// number last. The check is what (Record).check computes.
#define FILL \
	RDTSC \
	SHLQ $32, DX \
	ORQ  DX, AX \
	ANDQ CX, SI \
	SHLQ $const_recordShift, SI \
	LEAQ const_headSize(BX)(SI*1), DI \
	MOVQ AX, Record_TSC(DI) \
	MOVQ R8, Record_A(DI) \
	MOVQ R9, Record_B(DI) \
	LEAQ const_first(AX)(CX*1), AX \
	ROLQ $const_rotateA, R8 \
	XORQ R8, AX \
	ROLQ $const_rotateB, R9 \
	XORQ R9, AX \
	ADDQ R10, AX \
	MOVQ $const_multiplier, R12 \
	IMULQ R12, AX \
	SHRQ $(64-const_checkBits), AX \
	SHLQ $const_checkShift, AX \
	ORQ  R10, AX \
	SHLQ $const_numberShift, CX \
	ORQ  CX, AX \
	MOVQ AX, Record_meta(DI)

// One XADD claims the record. An interrupt comes before or after it, so on one
// CPU it needs no LOCK, which costs 15 cycles.
//
// func record(kind, a, b uint64)
TEXT ·record(SB), NOSPLIT, $0-24
	MOVQ ·target(SB), BX
	TESTQ BX, BX
	JEQ  none
	MOVQ ·slots(SB), SI
	MOVQ kind+0(FP), R10
	MOVQ a+8(FP), R8
	MOVQ b+16(FP), R9
	MOVL $1, CX
	CMPQ ·locked(SB), $0
	JNE  threads
	XADDQ CX, (BX)
	JMP  fill
threads:
	LOCK
	XADDQ CX, (BX)
fill:
	FILL
none:
	RET

// func put(head uintptr, slots, kind, a, b uint64)
TEXT ·put(SB), NOSPLIT, $0-40
	MOVQ head+0(FP), BX
	MOVQ slots+8(FP), SI
	MOVQ kind+16(FP), R10
	MOVQ a+24(FP), R8
	MOVQ b+32(FP), R9
	MOVL $1, CX
	LOCK
	XADDQ CX, (BX)
	FILL
	RET

// func begin(head uintptr, records, lock uint64)
TEXT ·begin(SB), NOSPLIT, $0-24
	MOVQ records+8(FP), AX
	MOVQ AX, ·slots(SB)
	MOVQ lock+16(FP), AX
	MOVQ AX, ·locked(SB)
	MOVQ head+0(FP), AX
	MOVQ AX, ·target(SB)
	RET

// func choose(kinds uint64)
TEXT ·choose(SB), NOSPLIT, $0-8
	MOVQ kinds+0(FP), AX
	MOVQ AX, ·on(SB)
	RET

// func timestamp() uint64
TEXT ·timestamp(SB), NOSPLIT, $0-8
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET
