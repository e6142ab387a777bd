// The image table and dummy entry points of a test guest. Only syscallEntry is
// real: it makes the system call the stub stands for, so that a patched image
// runs on the host. ABI is defined by whoever builds it.

#include "textflag.h"

// Keeps the return address in X14, which the kernel preserves and no function
// that makes system calls holds anything in. Registers as after SYSCALL.
// func syscallEntry()
TEXT ·syscallEntry(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ CX, X14
	LOCK
	INCQ ·calls(SB)
	SYSCALL
	MOVQ X14, CX
	JMP CX

// 32 exception stubs of 16 bytes, then the other entries.
// func entries()
TEXT ·entries(SB), NOSPLIT|NOFRAME, $0-0
#define FOUR INT $3; INT $3; INT $3; INT $3
#define SIXTEEN FOUR; FOUR; FOUR; FOUR
#define MANY SIXTEEN; SIXTEEN; SIXTEEN; SIXTEEN; SIXTEEN; SIXTEEN; SIXTEEN; SIXTEEN
	MANY
	MANY
	MANY
	MANY
	SIXTEEN
	SIXTEEN
	SIXTEEN
	SIXTEEN
	RET

DATA ·table+0(SB)/8, $0x4559454c45525241
DATA ·table+8(SB)/8, $0x31454c4241544742
DATA ·table+16(SB)/8, $ABI
DATA ·table+24(SB)/8, $·syscallEntry(SB)
DATA ·table+32(SB)/8, $·entries+512(SB)
DATA ·table+40(SB)/8, $·entries(SB)
DATA ·table+48(SB)/8, $·entries+513(SB)
DATA ·table+56(SB)/8, $·entries+514(SB)
DATA ·table+64(SB)/8, $·entries+515(SB)
DATA ·table+72(SB)/8, $·syscallEntry(SB)
DATA ·table+80(SB)/8, $·syscallEntry+8(SB)
DATA ·table+88(SB)/8, $·syscallEntry+24(SB)
DATA ·table+96(SB)/8, $0
DATA ·table+104(SB)/8, $0
DATA ·table+112(SB)/8, $·entries+513(SB)
DATA ·table+120(SB)/8, $·entries+514(SB)
DATA ·table+128(SB)/8, $·entries+516(SB)
GLOBL ·table(SB), RODATA|NOPTR, $136

// Keeps the table in the image.
// func tableAddress() uintptr
TEXT ·tableAddress(SB), NOSPLIT, $0-8
	LEAQ ·table(SB), AX
	MOVQ AX, ret+0(FP)
	RET
