#include "textflag.h"

// func marking() uint64
// The first word of runtime.writeBarrier is its flag: the compiler's code tests it.
TEXT ·marking(SB), NOSPLIT, $0-8
	MOVL runtime·writeBarrier(SB), AX
	TESTL AX, AX
	SETNE AL
	MOVBLZX AL, AX
	MOVQ AX, ret+0(FP)
	RET
