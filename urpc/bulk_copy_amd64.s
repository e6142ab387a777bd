//go:build !race

#include "go_asm.h"
#include "textflag.h"
#include "fetch_amd64.h"

// One line from SI+AX to DI+AX, by vectors of each width.
#define COPY64 \
	VMOVDQU64 (SI)(AX*1), Z0; \
	VMOVDQU64 Z0, (DI)(AX*1)
#define COPY32 \
	VMOVDQU (SI)(AX*1), Y0; \
	VMOVDQU 32(SI)(AX*1), Y1; \
	VMOVDQU Y0, (DI)(AX*1); \
	VMOVDQU Y1, 32(DI)(AX*1)
#define COPY16 \
	MOVOU (SI)(AX*1), X0; \
	MOVOU 16(SI)(AX*1), X1; \
	MOVOU 32(SI)(AX*1), X2; \
	MOVOU 48(SI)(AX*1), X3; \
	MOVOU X0, (DI)(AX*1); \
	MOVOU X1, 16(DI)(AX*1); \
	MOVOU X2, 32(DI)(AX*1); \
	MOVOU X3, 48(DI)(AX*1)

// DI to, SI from, CX bytes, AX bytes copied, R8 width of a vector, R10 the line of
// the ring to fetch, BX where fetching ends.

// func putBlocks(lines, blocks *Block, n, free uint64, width int)
TEXT ·putBlocks(SB), NOSPLIT, $0-40
	MOVQ lines+0(FP), DI
	MOVQ blocks+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ free+24(FP), BX
	MOVQ width+32(FP), R8
	SHLQ $6, CX
	SHLQ $6, BX
	ADDQ DI, BX
	LEAQ (const_bulkAhead*64)(DI), R10
	XORL AX, AX
	CMPQ R8, $32
	JEQ  next32
	JCS  next16
next64:
	CMPQ R10, BX
	JCC  put64
	PREFETCHW_R10
	ADDQ $64, R10
put64:
	COPY64
	ADDQ $64, AX
	CMPQ AX, CX
	JCS  next64
	VZEROUPPER
	RET
next32:
	CMPQ R10, BX
	JCC  put32
	PREFETCHW_R10
	ADDQ $64, R10
put32:
	COPY32
	ADDQ $64, AX
	CMPQ AX, CX
	JCS  next32
	VZEROUPPER
	RET
next16:
	CMPQ R10, BX
	JCC  put16
	PREFETCHW_R10
	ADDQ $64, R10
put16:
	COPY16
	ADDQ $64, AX
	CMPQ AX, CX
	JCS  next16
	RET

// func takeBlocks(blocks, lines *Block, n, there uint64, width int)
TEXT ·takeBlocks(SB), NOSPLIT, $0-40
	MOVQ blocks+0(FP), DI
	MOVQ lines+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ there+24(FP), BX
	MOVQ width+32(FP), R8
	SHLQ $6, CX
	SHLQ $6, BX
	ADDQ SI, BX
	LEAQ (const_bulkAhead*64)(SI), R10
	XORL AX, AX
	CMPQ R8, $32
	JEQ  next32
	JCS  next16
next64:
	CMPQ R10, BX
	JCC  take64
	PREFETCHT0 (R10)
	ADDQ $64, R10
take64:
	COPY64
	ADDQ $64, AX
	CMPQ AX, CX
	JCS  next64
	VZEROUPPER
	RET
next32:
	CMPQ R10, BX
	JCC  take32
	PREFETCHT0 (R10)
	ADDQ $64, R10
take32:
	COPY32
	ADDQ $64, AX
	CMPQ AX, CX
	JCS  next32
	VZEROUPPER
	RET
next16:
	CMPQ R10, BX
	JCC  take16
	PREFETCHT0 (R10)
	ADDQ $64, R10
take16:
	COPY16
	ADDQ $64, AX
	CMPQ AX, CX
	JCS  next16
	RET
