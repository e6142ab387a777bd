package names

import "barreleye/guest/monitor/numbers"

// hash is a number for a text, of which the high bits are used. It looks at both ends: texts
// of more than 16 bytes that differ in the middle alone have the same.
func hash(s string) uint64 {
	var first, last uint64
	switch n := len(s); {
	case n >= 8:
		first, last = numbers.Word(s), numbers.Word(s[n-8:])
	case n > 0:
		first = numbers.Tail(s, n)
	}
	return (first ^ (last+uint64(len(s)))*0xc4ceb9fe1a85ec53) * 0x9e3779b97f4a7c15
}
