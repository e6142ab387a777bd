#include "go_asm.h"
#include "textflag.h"

// A poll of the header at AX: BX is what of it counts, CX what that is to be. R8 counts.
#define POLL \
	INCQ  R8     \
	MOVQ  (AX), DX \
	XORQ  CX, DX \
	TESTQ BX, DX \
	JEQ   found  \
	PAUSE

#define POLL4 \
	POLL \
	POLL \
	POLL \
	POLL

// func look(header *uint64, want uint64) (polled uint64)
TEXT ·look(SB), NOSPLIT, $0-24
	MOVQ header+0(FP), AX
	MOVQ want+8(FP), CX
	MOVQ $(const_epochMask | const_seqMask), BX
	XORL R8, R8
	POLL4
	POLL4
	POLL4
	POLL4

found:
	MOVQ R8, polled+16(FP)
	RET
