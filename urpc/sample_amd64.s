#include "textflag.h"

// LFENCE: RDTSC alone could run before the load of a header that it shall follow
// (Intel SDM vol. 2, RDTSC).
//
// func timestamp() uint64
TEXT ·timestamp(SB), NOSPLIT, $0-8
	LFENCE
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET

// func prefetchStamp(s *Stamp)
TEXT ·prefetchStamp(SB), NOSPLIT, $0-8
	MOVQ s+0(FP), AX
	BYTE $0x0F; BYTE $0x0D; BYTE $0x08 // PREFETCHW (AX)
	RET
