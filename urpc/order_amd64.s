#include "go_asm.h"
#include "textflag.h"

// func storeRelease(addr *uint64, v uint64)
TEXT ·storeRelease(SB), NOSPLIT, $0-16
	MOVQ addr+0(FP), AX
	MOVQ v+8(FP), CX
	MOVQ CX, (AX)
	RET

// A locked addition of nothing orders like MFENCE (Intel SDM vol. 3, 8.2.3.9)
// and costs half as much. It targets the frame's own word.
//
// func fence()
TEXT ·fence(SB), NOSPLIT, $8-0
	LOCK
	ADDL $0, scratch-8(SP)
	RET

// func pause(n uint32)
TEXT ·pause(SB), NOSPLIT, $0-4
	MOVL n+0(FP), CX
again:
	PAUSE
	DECL CX
	JNZ  again
	RET

// func prefetch(lines *Line)
TEXT ·prefetch(SB), NOSPLIT, $0-8
	MOVQ lines+0(FP), AX
	PREFETCHT0 (0*Line__size)(AX)
	PREFETCHT0 (1*Line__size)(AX)
	PREFETCHT0 (2*Line__size)(AX)
	PREFETCHT0 (3*Line__size)(AX)
	PREFETCHT0 (4*Line__size)(AX)
	PREFETCHT0 (5*Line__size)(AX)
	PREFETCHT0 (6*Line__size)(AX)
	PREFETCHT0 (7*Line__size)(AX)
	RET
