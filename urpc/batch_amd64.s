//go:build !race

#include "go_asm.h"
#include "textflag.h"
#include "fetch_amd64.h"

// The words of a Message from Type on are, as one 32-bit word: type 16, length
// 8, padding 8. That is what a header holds from bit 32 on, without the epoch.

// func storeLines(lines *Line, msgs *Message, n uint64, epoch uint64, seq uint32, free uint64) (done uint64)
TEXT ·storeLines(SB), NOSPLIT, $0-56
	MOVQ lines+0(FP), DI
	MOVQ msgs+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ epoch+24(FP), R9
	MOVL seq+32(FP), R8
	MOVQ free+40(FP), R12
	SHLQ $6, R12
	ADDQ DI, R12                 // where fetching ends
	LEAQ (const_ahead*Line__size)(DI), R10
	XORL R11, R11                // messages written
next:
	CMPQ R11, CX
	JCC  end
	CMPQ R10, R12
	JCC  near
	PREFETCHW_R10
	ADDQ $Line__size, R10
near:
	MOVL Message_Type(SI), AX
	ANDL $0xFFFFFF, AX           // padding away
	MOVL AX, DX
	SHRL $16, DX
	CMPL DX, $const_MaxPayload
	JHI  end
	MOVWLZX AX, DX
	CMPL DX, $const_TypeReserved
	JCC  end
	MOVQ (Message_Words+0)(SI), DX
	MOVQ DX, (Line_words+0)(DI)
	MOVQ (Message_Words+8)(SI), BX
	MOVQ BX, (Line_words+8)(DI)
	MOVQ (Message_Words+16)(SI), DX
	MOVQ DX, (Line_words+16)(DI)
	MOVQ (Message_Words+24)(SI), BX
	MOVQ BX, (Line_words+24)(DI)
	MOVQ (Message_Words+32)(SI), DX
	MOVQ DX, (Line_words+32)(DI)
	MOVQ (Message_Words+40)(SI), BX
	MOVQ BX, (Line_words+40)(DI)
	MOVQ (Message_Words+48)(SI), DX
	MOVQ DX, (Line_words+48)(DI)
	SHLQ $const_typeShift, AX
	ORQ  R9, AX
	ORQ  R8, AX
	MOVQ AX, Line_header(DI)     // last: the release
	INCL R8                      // wraps at 32 bits, upper half stays 0
	INCQ R11
	ADDQ $Line__size, DI
	ADDQ $Message__size, SI
	JMP  next
end:
	MOVQ R11, done+48(FP)
	RET

// func loadLines(msgs *Message, lines *Line, n uint64, epoch uint64, seq uint32) (done uint64)
TEXT ·loadLines(SB), NOSPLIT, $0-48
	MOVQ msgs+0(FP), DI
	MOVQ lines+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ epoch+24(FP), R9
	MOVL seq+32(FP), R10
	XORL R11, R11                // messages copied
	MOVQ $(const_epochMask|const_seqMask), R12
next:
	CMPQ R11, CX
	JCC  end
	PREFETCHT0 (const_ahead*Line__size)(SI) // faults nowhere, past the ring's end neither
	MOVQ Line_header(SI), AX     // once; what follows never looks again
	MOVQ R10, DX
	ORQ  R9, DX
	XORQ AX, DX
	TESTQ R12, DX
	JNE  end
	SHRQ $const_typeShift, AX
	ANDL $0xFFFFFF, AX           // epoch away
	MOVL AX, DX
	SHRL $16, DX
	CMPL DX, $const_MaxPayload
	JHI  end
	MOVWLZX AX, DX
	CMPL DX, $const_TypeReserved
	JCC  end
	MOVOU (Line_words+0)(SI), X0
	MOVOU (Line_words+16)(SI), X1
	MOVOU (Line_words+32)(SI), X2
	MOVQ  (Line_words+48)(SI), DX
	MOVOU X0, (Message_Words+0)(DI)
	MOVOU X1, (Message_Words+16)(DI)
	MOVOU X2, (Message_Words+32)(DI)
	MOVQ  DX, (Message_Words+48)(DI)
	MOVL  AX, Message_Type(DI)
	INCL R10                     // wraps at 32 bits, upper half stays 0
	INCQ R11
	ADDQ $Line__size, SI
	ADDQ $Message__size, DI
	JMP  next
end:
	MOVQ R11, done+40(FP)
	RET
