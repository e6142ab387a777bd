#include "go_asm.h"
#include "textflag.h"

// COPY stores the register at an offset of the context (DX) in a word of the crash
// record (AX). It uses CX.
#define COPY(from, to) \
	MOVQ from(DX), CX; \
	MOVQ CX, (const_crashRegs + to * 8)(AX)

// func faultEntry()
// The process's handler of SIGSEGV, entered by Linux on the thread's signal stack
// as by the System V ABI: DI the signal, SI the siginfo, DX the context (struct
// ucontext; its registers follow one another from 40 on: R8 to R15, RDI, RSI, RBP,
// RBX, RDX, RAX, RCX, RSP, RIP, EFLAGS, segments, error code). Where the address is in
// the shared region, it leaves the fault in the core's crash record, for the VMM to
// name what lies there; where the page has a note, or a mapped frame, it writes that to
// standard error.
// Then it goes on as the runtime's handler, to which it leaves all that it found: the
// fault is the program's own mistake, and the runtime shows whose.
TEXT ·faultEntry(SB),NOSPLIT|NOFRAME,$0
	MOVQ 16(SI), R9 // si_addr
	MOVQ R9, R8
	SUBQ ·guardedStart(SB), R8
	CMPQ R8, ·guardedSize(SB)
	JCC  frame
	MOVQ ·crashRecord(SB), AX
	MOVQ R9, const_crashAddress(AX)
	MOVQ 168(DX), CX
	MOVQ CX, const_crashRIP(AX)
	MOVQ 160(DX), CX
	MOVQ CX, const_crashRSP(AX)
	MOVQ 176(DX), CX
	MOVQ CX, const_crashFlags(AX)
	MOVQ 192(DX), CX
	MOVQ CX, const_crashError(AX)
	COPY(144, 0)
	COPY(128, 1)
	COPY(152, 2)
	COPY(136, 3)
	COPY(112, 4)
	COPY(104, 5)
	COPY(120, 6)
	COPY(40, 7)
	COPY(48, 8)
	COPY(56, 9)
	COPY(64, 10)
	COPY(72, 11)
	COPY(80, 12)
	COPY(88, 13)
	COPY(96, 14)
	MOVQ $const_vectorPageFault, const_crashVector(AX) // last: the record is whole
	MOVQ R9, AX
	SUBQ ·notedStart(SB), AX
	CMPQ AX, ·notedSize(SB)
	JCC  next
	SHRQ $12, AX          // page
	SHLQ $const_noteShift, AX
	ADDQ ·notes(SB), AX
	PUSHQ DI
	PUSHQ SI
	PUSHQ DX
	MOVBQZX (AX), DX      // length, then the text
	LEAQ 1(AX), SI
	CALL ·writeNote(SB)
	POPQ DX
	POPQ SI
	POPQ DI
	JMP  next
frame:
	MOVQ R9, R8
	SUBQ ·framesStart(SB), R8
	CMPQ R8, ·framesSize(SB)
	JCC  next
	MOVQ ·frameNotes(SB), AX
	MOVL $const_frameNoteCount, CX
search:
	MOVQ R9, R8
	SUBQ frameNote_start(AX), R8
	CMPQ R8, frameNote_size(AX)
	JCS  found
	ADDQ $const_frameNoteSize, AX
	DECL CX
	JNZ  search
	JMP  next
found:
	PUSHQ DI
	PUSHQ SI
	PUSHQ DX
	MOVBQZX const_frameNoteLength(AX), DX
	LEAQ const_frameNoteText(AX), SI
	CALL ·writeNote(SB)
	POPQ DX
	POPQ SI
	POPQ DI
next:
	MOVQ ·nextHandler(SB), AX
	JMP  AX

// writeNote writes the DX bytes at SI to standard error. It stands alone so that
// the VMM can patch its system call, although only processes get here.
TEXT ·writeNote(SB),NOSPLIT|NOFRAME,$0
	MOVL $2, DI
	MOVL $1, AX // write
	SYSCALL
	RET

// func faultEntryAddress() uintptr
TEXT ·faultEntryAddress(SB),NOSPLIT,$0-8
	LEAQ ·faultEntry(SB), AX
	MOVQ AX, ret+0(FP)
	RET
