// Package chatter makes the lines that a core prints when it is asked to talk:
// the program prints them, the test that reads the logs makes them again.
package chatter

import (
	"fmt"
	"math/rand/v2"
)

// Lines makes the lines of one core, one after the other. They are of mixed
// lengths: most fit one record of the log ring, some need several, some are
// empty.
type Lines struct {
	core, n int
	random  *rand.Rand
	buf     []byte
}

// New starts with the core's first line.
func New(core int) *Lines {
	return &Lines{core: core, random: rand.New(rand.NewPCG(uint64(core), 1))}
}

// Next returns the next line with its newline, valid until the next call, and
// whether it goes to stderr.
func (l *Lines) Next() (line []byte, stderr bool) {
	length := 0
	switch r := l.random.IntN(1000); {
	case r == 0:
		length = 3000 + l.random.IntN(9000)
	case r < 10:
		length = -1
	case r < 100:
		length = 100 + l.random.IntN(500)
	default:
		length = l.random.IntN(100)
	}
	l.buf = l.buf[:0]
	if length >= 0 {
		l.buf = fmt.Appendf(l.buf, "core %d line %d", l.core, l.n)
	}
	for i := range length {
		l.buf = append(l.buf, ' '+byte((i+l.n)%95)) // quotes and backslashes too
	}
	l.n++
	l.buf = append(l.buf, '\n')
	return l.buf, l.random.IntN(4) == 0
}
