#include "textflag.h"

// func divide()
TEXT ·divide(SB),NOSPLIT,$0-0
	XORL CX, CX
	XORL DX, DX
	MOVL $1, AX
	DIVQ CX
	RET

// func undefinedInstruction()
TEXT ·undefinedInstruction(SB),NOSPLIT,$0-0
	UD2
	RET

// func privilegedInstruction()
TEXT ·privilegedInstruction(SB),NOSPLIT,$0-0
	HLT
	RET

// func spinAt(stack uintptr)
TEXT ·spinAt(SB),NOSPLIT,$0-8
	MOVQ stack+0(FP), AX
	MOVQ AX, SP
spin:
	PAUSE
	JMP spin
