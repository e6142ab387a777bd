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
