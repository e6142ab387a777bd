package limit

import (
	"runtime"
	"testing"

	"barreleye/urpc"
)

// TestPatterns runs each pair over memory of both kinds of first message and
// checks the sums, which no lost, doubled or torn message leaves right.
func TestPatterns(t *testing.T) {
	twoCPUs(t)
	const n = 20000
	for first := uint64(1); first < 3*n; first += n {
		want := n * (2*first + n - 1) / 2 // first + ... + first+n-1
		sums := func(serve func() uint64, call func() uint64) (served, called uint64) {
			done := make(chan uint64)
			go func() { done <- serve() }()
			called = call()
			return <-done, called
		}
		s, c := sums(
			func() uint64 { return SameLineServe(&same, first, n) },
			func() uint64 { return SameLineCall(&same, first, n) })
		if s != 2*want-n || c != 2*want {
			t.Errorf("same line from %d: sums %d, %d", first, s, c)
		}
		s, c = sums(
			func() uint64 { return TwoLineServe(&two[0], &two[2], first, n) },
			func() uint64 { return TwoLineCall(&two[2], &two[0], first, n) })
		if s != want || c != want {
			t.Errorf("two lines from %d: sums %d, %d, want %d", first, s, c, want)
		}
		s, _ = sums(
			func() uint64 { return StreamRead(&ring[0], 16, &ack[8], first, n) },
			func() uint64 { StreamWrite(&ring[0], 16, &ack[8], first, n); return 0 })
		if s != 7*want || ack[8] != first+n-1 {
			t.Errorf("stream from %d: sum %d, want %d; ack %d", first, s, 7*want, ack[8])
		}
	}
}

// TestCycles checks that the counter runs forward.
func TestCycles(t *testing.T) {
	if a, b := Cycles(), Cycles(); b <= a {
		t.Errorf("cycles %d then %d", a, b)
	}
}

var (
	same Line
	two  [3]Line
	ring [16]Line
	ack  [16]uint64
)

// TestVectors is TestPatterns for the stream by vectors, of each width there is.
func TestVectors(t *testing.T) {
	twoCPUs(t)
	const n = 20000
	for width := 16; width <= urpc.VectorBytes(); width *= 2 {
		var ring [16]Line
		var words [16]uint64
		for first := uint64(1); first < 3*n; first += n {
			want := 8 * (n * (2*first + n - 1) / 2)
			done := make(chan uint64)
			go func() { done <- VectorRead(&ring[0], 16, &words[0], &words[8], first, n, width) }()
			VectorWrite(&ring[0], 16, &words[0], &words[8], first, n, width)
			if sum := <-done; sum != want || words[8] != first+n-1 {
				t.Errorf("%d bytes, from %d: sum %d, want %d; ack %d", width, first, sum, want, words[8])
			}
		}
	}
}

// twoCPUs skips where both sides would share one CPU: each polls in assembly,
// which nothing but the end of its time slice interrupts.
func twoCPUs(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one CPU, and two loops that poll")
	}
}
