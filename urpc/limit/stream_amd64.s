#include "go_asm.h"
#include "textflag.h"

// AX number of the message, CX messages left, DI ring, SI byte mask of the ring,
// DX its line, R9 the ack word, R10 lines.

// R11 is the last message for which there is room.
//
// func StreamWrite(ring *Line, lines uint64, ack *uint64, first, n uint64)
TEXT ·StreamWrite(SB), NOSPLIT, $0-40
	MOVQ ring+0(FP), DI
	MOVQ lines+8(FP), R10
	MOVQ ack+16(FP), R9
	MOVQ first+24(FP), AX
	MOVQ n+32(FP), CX
	MOVQ R10, SI
	SHLQ $6, SI         // lines to bytes
	SUBQ $Line__size, SI
	XORL R11, R11
	TESTQ CX, CX
	JZ   end
next:
	CMPQ AX, R11
	JLS  room
full:
	MOVQ (R9), R11
	ADDQ R10, R11
	CMPQ AX, R11
	JLS  room
	PAUSE
	JMP  full
room:
	LEAQ -1(AX), DX
	SHLQ $6, DX
	ANDQ SI, DX
	ADDQ DI, DX
	MOVQ AX, (Line_Words+0)(DX)
	MOVQ AX, (Line_Words+8)(DX)
	MOVQ AX, (Line_Words+16)(DX)
	MOVQ AX, (Line_Words+24)(DX)
	MOVQ AX, (Line_Words+32)(DX)
	MOVQ AX, (Line_Words+40)(DX)
	MOVQ AX, (Line_Words+48)(DX)
	MOVQ AX, Line_Header(DX)
	INCQ AX
	DECQ CX
	JNZ  next
end:
	RET

// BX is the sum, R11 the message after which to acknowledge.
//
// func StreamRead(ring *Line, lines uint64, ack *uint64, first, n uint64) (sum uint64)
TEXT ·StreamRead(SB), NOSPLIT, $0-48
	MOVQ ring+0(FP), DI
	MOVQ lines+8(FP), R10
	MOVQ ack+16(FP), R9
	MOVQ first+24(FP), AX
	MOVQ n+32(FP), CX
	MOVQ R10, SI
	SHLQ $6, SI         // lines to bytes
	SUBQ $Line__size, SI
	SHRQ $3, R10        // an eighth
	MOVQ AX, R11
	DECQ R11
	ADDQ R10, R11
	XORL BX, BX
	TESTQ CX, CX
	JZ   end
next:
	LEAQ -1(AX), DX
	SHLQ $6, DX
	ANDQ SI, DX
	ADDQ DI, DX
wait:
	CMPQ Line_Header(DX), AX
	JEQ  waitdone
	PAUSE
	JMP  wait
waitdone:
	ADDQ (Line_Words+0)(DX), BX
	ADDQ (Line_Words+8)(DX), BX
	ADDQ (Line_Words+16)(DX), BX
	ADDQ (Line_Words+24)(DX), BX
	ADDQ (Line_Words+32)(DX), BX
	ADDQ (Line_Words+40)(DX), BX
	ADDQ (Line_Words+48)(DX), BX
	CMPQ AX, R11
	JNE  more
	MOVQ AX, (R9)
	ADDQ R10, R11
more:
	INCQ AX
	DECQ CX
	JNZ  next
	DECQ AX
	MOVQ AX, (R9)
end:
	MOVQ BX, sum+40(FP)
	RET

// func Cycles() uint64
TEXT ·Cycles(SB), NOSPLIT, $0-8
	RDTSCP
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET
