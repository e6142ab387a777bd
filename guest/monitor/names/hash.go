package names

// hash is a number for a text, of which the high bits are used. It looks at both ends: texts
// of more than 16 bytes that differ in the middle alone have the same.
func hash(s string) uint64 {
	var first, last uint64
	if n := len(s); n >= 8 {
		first, last = word(s), word(s[n-8:])
	} else {
		for i := range n {
			first = first<<8 | uint64(s[i])
		}
	}
	return (first ^ (last+uint64(len(s)))*0xc4ceb9fe1a85ec53) * 0x9e3779b97f4a7c15
}

// word returns the first eight bytes, in one load.
func word(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
