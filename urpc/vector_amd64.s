#include "go_asm.h"
#include "textflag.h"

// func vectorBytes() int
TEXT ·vectorBytes(SB), NOSPLIT, $0-8
	MOVQ $16, ret+0(FP)
	XORL AX, AX
	CPUID
	CMPL AX, $7                  // highest leaf
	JCS  end
	MOVL $1, AX
	XORL CX, CX
	CPUID
	ANDL $(1<<27|1<<28), CX      // OSXSAVE: XGETBV works; AVX
	CMPL CX, $(1<<27|1<<28)
	JNE  end
	XORL CX, CX
	XGETBV                       // XCR0
	MOVL AX, R8
	ANDL $0x06, AX               // SSE and AVX registers are saved
	CMPL AX, $0x06
	JNE  end
	MOVL $7, AX
	XORL CX, CX
	CPUID
	BTL  $5, BX                  // AVX2
	JCC  end
	MOVQ $32, ret+0(FP)
	BTL  $16, BX                 // AVX-512F
	JCC  end
	ANDL $0xE6, R8               // masks, and upper halves and registers, too
	CMPL R8, $0xE6
	JNE  end
	MOVQ $64, ret+0(FP)
end:
	RET
