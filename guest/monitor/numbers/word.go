package numbers

// Word returns the first eight bytes of a text, the first one lowest, in one load.
func Word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// half is Word of four bytes.
func half(s string) uint64 {
	_ = s[3]
	return uint64(uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24)
}

// Tail returns the last n bytes of a text, 1 to 7 of them, in the same order.
func Tail(s string, n int) (w uint64) {
	if len(s) >= 8 {
		return Word(s[len(s)-8:]) >> (64 - 8*n)
	}
	if n >= 4 {
		return half(s[len(s)-n:]) | half(s[len(s)-4:])<<(8*(n-4)) // where they overlap they are the same
	}
	for i := len(s) - 1; i >= len(s)-n; i-- {
		w = w<<8 | uint64(s[i])
	}
	return w
}
