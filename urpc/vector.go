package urpc

// vector is the width in bytes of the vectors that whole lines are copied by: 64
// with AVX-512, 32 with AVX2, 16 with SSE2. Found out once.
var vector = vectorBytes()

// VectorBytes is the width in bytes of the vectors that a bulk ring is copied by
// on this core: 64 (AVX-512), 32 (AVX2) or 16 (SSE2).
func VectorBytes() int { return vector }

// vectorBytes asks CPUID for AVX2 and AVX-512F, and XGETBV whether the system
// saves their registers: a guest has what its monitor enabled in XCR0. A leaf
// function; it allocates nothing.
func vectorBytes() int
