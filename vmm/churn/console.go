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
	lives   map[int]uint64  // by core, of those that had more than one: the latest
	ready   chan struct{}   // closed when all of the first ones were
	overdue int
	last    []string      // lines, but for those of messages and of what went well
	after   int           // of those, how many came after the first error
	err     error         // the first
	failed  chan struct{} // closed with it
}

func newConsole(cores int) *console {
	return &console{book: newBook(), cores: cores, were: map[string]bool{}, lives: map[int]uint64{}, ready: make(chan struct{}), failed: make(chan struct{})}
}

// Write is io.Writer's.
func (c *console) Write(b []byte) (int, error) {
	c.rest = append(c.rest, b...)
	for {
		line, rest, ok := bytes.Cut(c.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		err := c.take(string(line))
		c.keep(string(line), err)
		if err != nil && c.err == nil {
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
	return c.told(text)
}

// told looks at what the VMM says of a core.
func (c *console) told(text string) error {
	var l life
	if _, err := fmt.Sscanf(text, "core %d: life %d begins", &l.core, &l.life); err == nil {
		c.lives[l.core] = l.life
		return nil
	}
	code := 0
	if _, err := fmt.Sscanf(text, "core %d: exited with code %d", &l.core, &code); err == nil {
		if l.life = max(c.lives[l.core], 1); !c.book.dies[l] {
			return fmt.Errorf("life %d had not said so: %s", l.life, text)
		}
		return nil // what follows of its panic tells of a fault
	}
	if !strings.Contains(text, "killed, as a command asked") && problem(text) {
		return fmt.Errorf("%s", text)
	}
	return nil
}

// kept is how many of the last lines are kept, keptAfter how many after the first by which
// something must not go on.
const (
	kept      = 60
	keptAfter = 20
)

// keep keeps a line for who wants to know why the run failed: the last ones until one tells
// what went wrong, and some after that.
func (c *console) keep(line string, err error) {
	if err != nil {
		line += "  <--"
	} else if strings.Contains(line, "] soak: talk: ") || strings.Contains(line, "] soak: lives: ") {
		return
	}
	if c.err != nil {
		if c.after++; c.after > keptAfter {
			return
		}
	}
	c.last = append(c.last, line)
	c.last = c.last[max(0, len(c.last)-kept):]
}
