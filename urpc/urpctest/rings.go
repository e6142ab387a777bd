// Package urpctest makes channels for tests of what uses them, in one process.
package urpctest

import (
	"testing"

	"barreleye/urpc"
)

// Rings makes a channel of rings of so many lines, on memory of the heap. polls is how often
// each end looks before it parks, as in urpc.Link.
func Rings(tb testing.TB, lines, polls int) (a, b *urpc.Conn) {
	tb.Helper()
	x, y := side(tb, lines), side(tb, lines)
	link := urpc.Link{Epoch: 3, Polls: polls}
	a, err := urpc.NewConn(x, y, link)
	if err == nil {
		b, err = urpc.NewConn(y, x, link)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return a, b
}

func side(tb testing.TB, lines int) (s urpc.Side) {
	mem := make([]byte, urpc.SideBytes(lines)+64)
	for i := 0; i < 64; i += 8 { // one of these is aligned
		if s, err := urpc.SideOf(mem[i:], lines); err == nil {
			return s
		}
	}
	tb.Fatal("no aligned memory")
	return s
}
