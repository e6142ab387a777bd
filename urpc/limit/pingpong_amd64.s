#include "go_asm.h"
#include "textflag.h"

// AX number or header, BX sum, CX messages left, DI and SI lines, R8 scratch.

// func SameLineCall(line *Line, first, n uint64) (sum uint64)
TEXT ·SameLineCall(SB), NOSPLIT, $0-32
	MOVQ line+0(FP), DI
	MOVQ first+8(FP), AX
	MOVQ n+16(FP), CX
	XORL BX, BX
	ADDQ AX, AX
	DECQ AX             // request 2k-1
	TESTQ CX, CX
	JZ   end
next:
	MOVQ AX, (Line_Words+0)(DI)
	MOVQ AX, (Line_Words+8)(DI)
	MOVQ AX, (Line_Words+16)(DI)
	MOVQ AX, (Line_Words+24)(DI)
	MOVQ AX, (Line_Words+32)(DI)
	MOVQ AX, (Line_Words+40)(DI)
	MOVQ AX, (Line_Words+48)(DI)
	MOVQ AX, Line_Header(DI)
	INCQ AX             // answer 2k
wait:
	CMPQ Line_Header(DI), AX
	JEQ  waitdone
	PAUSE
	JMP  wait
waitdone:
	ADDQ (Line_Words+0)(DI), BX
	MOVQ (Line_Words+8)(DI), R8
	MOVQ (Line_Words+16)(DI), R8
	MOVQ (Line_Words+24)(DI), R8
	MOVQ (Line_Words+32)(DI), R8
	MOVQ (Line_Words+40)(DI), R8
	MOVQ (Line_Words+48)(DI), R8
	INCQ AX
	DECQ CX
	JNZ  next
end:
	MOVQ BX, sum+24(FP)
	RET

// func SameLineServe(line *Line, first, n uint64) (sum uint64)
TEXT ·SameLineServe(SB), NOSPLIT, $0-32
	MOVQ line+0(FP), DI
	MOVQ first+8(FP), AX
	MOVQ n+16(FP), CX
	XORL BX, BX
	ADDQ AX, AX
	DECQ AX             // request 2k-1
	TESTQ CX, CX
	JZ   end
next:
wait:
	CMPQ Line_Header(DI), AX
	JEQ  waitdone
	PAUSE
	JMP  wait
waitdone:
	ADDQ (Line_Words+0)(DI), BX
	MOVQ (Line_Words+8)(DI), R8
	MOVQ (Line_Words+16)(DI), R8
	MOVQ (Line_Words+24)(DI), R8
	MOVQ (Line_Words+32)(DI), R8
	MOVQ (Line_Words+40)(DI), R8
	MOVQ (Line_Words+48)(DI), R8
	INCQ AX             // answer 2k
	MOVQ AX, (Line_Words+0)(DI)
	MOVQ AX, (Line_Words+8)(DI)
	MOVQ AX, (Line_Words+16)(DI)
	MOVQ AX, (Line_Words+24)(DI)
	MOVQ AX, (Line_Words+32)(DI)
	MOVQ AX, (Line_Words+40)(DI)
	MOVQ AX, (Line_Words+48)(DI)
	MOVQ AX, Line_Header(DI)
	INCQ AX
	DECQ CX
	JNZ  next
end:
	MOVQ BX, sum+24(FP)
	RET

// func TwoLineCall(mine, theirs *Line, first, n uint64) (sum uint64)
TEXT ·TwoLineCall(SB), NOSPLIT, $0-40
	MOVQ mine+0(FP), DI
	MOVQ theirs+8(FP), SI
	MOVQ first+16(FP), AX
	MOVQ n+24(FP), CX
	XORL BX, BX
	TESTQ CX, CX
	JZ   end
next:
	MOVQ AX, (Line_Words+0)(DI)
	MOVQ AX, (Line_Words+8)(DI)
	MOVQ AX, (Line_Words+16)(DI)
	MOVQ AX, (Line_Words+24)(DI)
	MOVQ AX, (Line_Words+32)(DI)
	MOVQ AX, (Line_Words+40)(DI)
	MOVQ AX, (Line_Words+48)(DI)
	MOVQ AX, Line_Header(DI)
wait:
	CMPQ Line_Header(SI), AX
	JEQ  waitdone
	PAUSE
	JMP  wait
waitdone:
	ADDQ (Line_Words+0)(SI), BX
	MOVQ (Line_Words+8)(SI), R8
	MOVQ (Line_Words+16)(SI), R8
	MOVQ (Line_Words+24)(SI), R8
	MOVQ (Line_Words+32)(SI), R8
	MOVQ (Line_Words+40)(SI), R8
	MOVQ (Line_Words+48)(SI), R8
	INCQ AX
	DECQ CX
	JNZ  next
end:
	MOVQ BX, sum+32(FP)
	RET

// func TwoLineServe(mine, theirs *Line, first, n uint64) (sum uint64)
TEXT ·TwoLineServe(SB), NOSPLIT, $0-40
	MOVQ mine+0(FP), DI
	MOVQ theirs+8(FP), SI
	MOVQ first+16(FP), AX
	MOVQ n+24(FP), CX
	XORL BX, BX
	TESTQ CX, CX
	JZ   end
next:
wait:
	CMPQ Line_Header(SI), AX
	JEQ  waitdone
	PAUSE
	JMP  wait
waitdone:
	ADDQ (Line_Words+0)(SI), BX
	MOVQ (Line_Words+8)(SI), R8
	MOVQ (Line_Words+16)(SI), R8
	MOVQ (Line_Words+24)(SI), R8
	MOVQ (Line_Words+32)(SI), R8
	MOVQ (Line_Words+40)(SI), R8
	MOVQ (Line_Words+48)(SI), R8
	MOVQ AX, (Line_Words+0)(DI)
	MOVQ AX, (Line_Words+8)(DI)
	MOVQ AX, (Line_Words+16)(DI)
	MOVQ AX, (Line_Words+24)(DI)
	MOVQ AX, (Line_Words+32)(DI)
	MOVQ AX, (Line_Words+40)(DI)
	MOVQ AX, (Line_Words+48)(DI)
	MOVQ AX, Line_Header(DI)
	INCQ AX
	DECQ CX
	JNZ  next
end:
	MOVQ BX, sum+32(FP)
	RET
