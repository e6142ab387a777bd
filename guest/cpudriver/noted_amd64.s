// The interrupt stubs of --debug interrupts: they note at which instruction of the
// critical text interrupts come, and can have one come at each. CPL0 text; contracts
// as in vectors_amd64.s. The VMM puts them into the IDT instead of the usual ones.

#include "go_asm.h"
#include "textflag.h"

// NOTE_AT leaves the interrupted RIP's offset in the critical text in AX and jumps
// away where it is not there. frame is where RIP lies on the stack.
#define NOTE_AT(frame, away) \
	MOVQ frame(SP), AX \
	SUBQ ·imageTable+const_atCritical(SB), AX \
	CMPQ AX, $const_notedSpan \
	JCC  away

// func tickNoted()
//	in     hardware frame of an interrupt
//	out    the same to ·tickVector, ·noted counted
TEXT ·tickNoted(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	PUSHQ AX
	PUSHQ CX
	NOTE_AT(16, away)
	LEAQ  ·noted(SB), CX
	INCL  (CX)(AX*4)
away:
	POPQ  CX
	POPQ  AX
	JMP   ·tickVector(SB)

// func bellNoted()
//	in     hardware frame of an interrupt
//	out    the same to ·doorbellVector, ·noted counted
TEXT ·bellNoted(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	PUSHQ AX
	PUSHQ CX
	NOTE_AT(16, away)
	LEAQ  ·noted(SB), CX
	INCL  (CX)(AX*4)
away:
	POPQ  CX
	POPQ  AX
	JMP   ·doorbellVector(SB)

// func stepNoted()
// Vector 1 while TF is set. The first time that the critical text gets to an
// instruction the local APIC is told to interrupt this core: IF=0 here, so that
// interrupt comes behind the IRETQ, before the instruction.
//	in     hardware frame of a #DB with TF set
//	out    IRETQ: nothing changed
TEXT ·stepNoted(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	PUSHQ AX
	PUSHQ CX
	INCQ  ·steps(SB)
	NOTE_AT(16, away)
	LEAQ  ·rung(SB), CX
	CMPB  (CX)(AX*1), $0
	JNE   away
	MOVB  $1, (CX)(AX*1)
	MOVQ  $const_apicICR, AX
	MOVL  $const_ringItself, (AX)
away:
	POPQ  CX
	POPQ  AX
	IRETQ
