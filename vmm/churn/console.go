package churn

import (
	"bytes"
	"fmt"
	"strings"
)

// console takes the lines of a run's log and keeps what is told of messages.
type console struct {
	book    *book
	rest    []byte // of a line that is not complete yet
	cores   int
	were    map[string]bool // cores that were ready
	ready   chan struct{}   // closed when all of the first ones were
	overdue int
	err     error         // the first
	failed  chan struct{} // closed with it
}

func newConsole(cores int) *console {
	return &console{book: newBook(), cores: cores, were: map[string]bool{}, ready: make(chan struct{}), failed: make(chan struct{})}
}

// Write is io.Writer's.
func (c *console) Write(b []byte) (int, error) {
	c.rest = append(c.rest, b...)
	for {
		line, rest, ok := bytes.Cut(c.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		if err := c.take(string(line)); err != nil && c.err == nil {
			c.err = err
			close(c.failed)
		}
		c.rest = rest
	}
}

// take takes a line: "[CORE.LIFE] text" of a core, "[vmm] text" of the VMM.
func (c *console) take(line string) error {
	who, text, ok := strings.Cut(line, "] ")
	switch {
	case !ok:
		return nil
	case who != "[vmm":
		if core, _, _ := strings.Cut(who, "."); text == "soak: lives: ready" && !c.were[core] {
			c.were[core] = true
			if len(c.were) == c.cores { // others are not added before
				close(c.ready)
			}
		}
		if strings.HasPrefix(text, "monitor: ") || strings.HasPrefix(text, "fatal error: ") {
			return fmt.Errorf("%s", line)
		}
		return c.book.enter(text)
	case strings.Contains(text, "did not end within"):
		c.overdue++
		return nil
	}
	return c.ended(text)
}

// ended looks at what the VMM says of the end of a core.
func (c *console) ended(text string) error {
	if strings.Contains(text, "killed, as a command asked") || strings.Contains(text, "exited with code 9") || strings.Contains(text, "exited with code 2 ") {
		return nil // programs may end by an error where they said so before
	}
	if strings.Contains(text, "exited with code") || problem(text) {
		return fmt.Errorf("%s", text)
	}
	return nil
}
