#include "go_asm.h"
#include "textflag.h"

// As in stream_amd64.s; R12 is the index word, R13 the lines between two indices,
// R8 the width of a vector, BX the message after which to publish the index.

#define AHEAD 32 // lines fetched before their turn

// AT makes a message's number its line.
#define AT(number) \
	DECQ number \
	SHLQ $6, number \
	ANDQ SI, number \
	ADDQ DI, number

// func VectorWrite(ring *Line, lines uint64, index, ack *uint64, first, n uint64, width int)
TEXT ·VectorWrite(SB), NOSPLIT, $0-56
	MOVQ ring+0(FP), DI
	MOVQ lines+8(FP), R10
	MOVQ index+16(FP), R12
	MOVQ ack+24(FP), R9
	MOVQ first+32(FP), AX
	MOVQ n+40(FP), CX
	MOVQ width+48(FP), R8
	MOVQ R10, SI
	SHLQ $6, SI         // lines to bytes
	SUBQ $Line__size, SI
	MOVQ R10, R13
	SHRQ $2, R13        // a quarter, at most 256
	MOVQ $256, DX
	CMPQ R13, DX
	CMOVQHI DX, R13
	LEAQ -1(AX)(R13*1), BX
	XORL R11, R11
	TESTQ CX, CX
	JZ   end
next:
	CMPQ AX, R11
	JLS  room
	LEAQ -1(AX), DX
	MOVQ DX, (R12)      // all there is
full:
	MOVQ (R9), R11
	ADDQ R10, R11
	CMPQ AX, R11
	JLS  room
	PAUSE
	JMP  full
room:
	MOVQ AX, DX
	AT(DX)
	LEAQ AHEAD(AX), R14
	CMPQ R14, R11
	JHI  last           // that one is still to be read
	AT(R14)
	BYTE $0x41; BYTE $0x0F; BYTE $0x0D; BYTE $0x0E // prefetchw (r14)
last:
	CMPQ R8, $32
	JEQ  put32
	JCS  put16
	VPBROADCASTQ AX, Z0
	VMOVDQU64 Z0, (DX)
	JMP  put
put32:
	VMOVQ AX, X0
	VPBROADCASTQ X0, Y0
	VMOVDQU Y0, 0(DX)
	VMOVDQU Y0, 32(DX)
	JMP  put
put16:
	MOVQ AX, X0
	PUNPCKLQDQ X0, X0
	MOVOU X0, 0(DX)
	MOVOU X0, 16(DX)
	MOVOU X0, 32(DX)
	MOVOU X0, 48(DX)
put:
	CMPQ AX, BX
	JNE  more
	MOVQ AX, (R12)
	ADDQ R13, BX
more:
	INCQ AX
	DECQ CX
	JNZ  next
	DECQ AX
	MOVQ AX, (R12)
	CMPQ R8, $32
	JCS  end
	VZEROUPPER
end:
	RET

// R11 is the message after which to acknowledge, R14 the index as known, X1 (Y1,
// Z1) the sums.
//
// func VectorRead(ring *Line, lines uint64, index, ack *uint64, first, n uint64, width int) (sum uint64)
TEXT ·VectorRead(SB), NOSPLIT, $64-64
	MOVQ ring+0(FP), DI
	MOVQ lines+8(FP), R10
	MOVQ index+16(FP), R12
	MOVQ ack+24(FP), R9
	MOVQ first+32(FP), AX
	MOVQ n+40(FP), CX
	MOVQ width+48(FP), R8
	MOVQ R10, SI
	SHLQ $6, SI         // lines to bytes
	SUBQ $Line__size, SI
	SHRQ $3, R10        // an eighth
	MOVQ AX, R11
	DECQ R11
	ADDQ R10, R11
	XORL R13, R13       // index as known
	XORL BX, BX
	TESTQ CX, CX
	JZ   end
	PXOR X1, X1
	CMPQ R8, $32
	JEQ  clear32
	JCS  next
	VPXORQ Z1, Z1, Z1
	JMP  next
clear32:
	VPXOR Y1, Y1, Y1
next:
	MOVQ AX, DX
	AT(DX)
	CMPQ AX, R13
	JLS  there
wait:
	MOVQ (R12), R13
	CMPQ AX, R13
	JLS  there
	PAUSE
	JMP  wait
there:
	LEAQ AHEAD(AX), R14
	CMPQ R14, R13
	JHI  last           // that one is still to be written
	AT(R14)
	PREFETCHT0 (R14)
last:
	CMPQ R8, $32
	JEQ  take32
	JCS  take16
	VPADDQ (DX), Z1, Z1
	JMP  taken
take32:
	VPADDQ 0(DX), Y1, Y1
	VPADDQ 32(DX), Y1, Y1
	JMP  taken
take16:
	MOVOU 0(DX), X0
	PADDQ X0, X1
	MOVOU 16(DX), X0
	PADDQ X0, X1
	MOVOU 32(DX), X0
	PADDQ X0, X1
	MOVOU 48(DX), X0
	PADDQ X0, X1
taken:
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
	CMPQ R8, $32
	JEQ  sum32
	JCS  sum16
	VEXTRACTI64X4 $1, Z1, Y0
	VPADDQ Y0, Y1, Y1
sum32:
	VEXTRACTI128 $1, Y1, X0
	VPADDQ X0, X1, X1
	VZEROUPPER
sum16:
	MOVOU X1, sums-16(SP)
	MOVQ sums-16(SP), BX
	ADDQ sums-8(SP), BX
end:
	MOVQ BX, sum+56(FP)
	RET
