#include "go_asm.h"
#include "textflag.h"

// func faultEntry()
// The process's handler of SIGSEGV, entered by Linux on the thread's signal stack
// as by the System V ABI: DI the signal, SI the siginfo, DX the context. Where
// the address is that of a page, it writes the page's note to standard error.
// Then it goes on as the runtime's handler, to which it leaves all that it found:
// the page is the program's own mistake, and the runtime shows whose.
TEXT ·faultEntry(SB),NOSPLIT|NOFRAME,$0
	MOVQ 16(SI), AX // si_addr
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
