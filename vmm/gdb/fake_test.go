package gdb

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"barreleye/vmm/postmortem"
)

// cores are a Target of cores that do what the test says. Its log tells what it was
// asked for.
type cores struct {
	living []int
	regs   map[int]postmortem.Thread
	memory map[int][]byte // from memoryVA on
	stops  []Stop
	woken  chan struct{}
	log    []string
	// resumed, if set, is called at Resume and tells what happens then.
	resumed func(step, run []int) []Stop
}

const memoryVA = 0x1000

var errFake = errors.New("no")

func newCores(living ...int) *cores {
	c := &cores{living: living, regs: map[int]postmortem.Thread{}, memory: map[int][]byte{}, woken: make(chan struct{}, 1)}
	for _, n := range living {
		t := postmortem.Thread{Vector: make([]byte, 4096)}
		t.Regs.RIP, t.Regs.RSP, t.Regs.RAX, t.Regs.CS, t.Regs.FSBase = 0x401000+uint64(n), 0xc000_0000, 0x1122334455667788, 0x33, 0x77
		c.regs[n], c.memory[n] = t, []byte(fmt.Sprintf("memory of core %d", n))
	}
	return c
}

func (c *cores) note(format string, args ...any) { c.log = append(c.log, fmt.Sprintf(format, args...)) }

// happen has the target tell stops.
func (c *cores) happen(stops ...Stop) {
	for _, s := range stops {
		if s.Why == ByExit || s.Why == ByCrash {
			c.living = slices.DeleteFunc(c.living, func(n int) bool { return n == s.Core })
		}
	}
	c.stops = append(c.stops, stops...)
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

func (c *cores) Cores() []int { return slices.Clone(c.living) }

func (c *cores) Registers(core int) (postmortem.Thread, error) {
	t, ok := c.regs[core]
	t.Vector = slices.Clone(t.Vector)
	if !ok {
		return t, errFake
	}
	return t, nil
}

func (c *cores) SetRegisters(core int, t postmortem.Thread) error {
	c.note("registers of %d: rip=%#x rax=%#x flags=%#x vectors=%v", core, t.Regs.RIP, t.Regs.RAX, t.Regs.RFLAGS, t.Vector != nil)
	if t.Vector == nil {
		t.Vector = c.regs[core].Vector
	}
	c.regs[core] = t
	return nil
}

func (c *cores) ReadMemory(core int, b []byte, va uint64) int {
	m := c.memory[core]
	if va < memoryVA || va >= memoryVA+uint64(len(m)) {
		return 0
	}
	return copy(b, m[va-memoryVA:])
}

func (c *cores) WriteMemory(core int, b []byte, va uint64) error {
	m := c.memory[core]
	if va < memoryVA || va+uint64(len(b)) > memoryVA+uint64(len(m)) {
		return errFake
	}
	copy(m[va-memoryVA:], b)
	return nil
}

func (c *cores) Insert(va uint64) error {
	if va == 0xbad {
		return errFake
	}
	c.note("insert %#x", va)
	return nil
}

func (c *cores) Remove(va uint64) error {
	c.note("remove %#x", va)
	return nil
}

func (c *cores) Resume(step, run []int) {
	c.note("resume: step %v, run %v", step, run)
	if c.resumed != nil {
		if stops := c.resumed(step, run); len(stops) > 0 {
			c.happen(stops...)
		}
	}
}

func (c *cores) Halt() { c.note("halt") }

func (c *cores) Woken() <-chan struct{} { return c.woken }

func (c *cores) Next() (Stop, bool) {
	if len(c.stops) == 0 {
		return Stop{}, false
	}
	s := c.stops[0]
	c.stops = c.stops[1:]
	return s, true
}

func (c *cores) Detach() { c.note("detach") }

// took returns what the target was asked for since the last call.
func (c *cores) took() string {
	text := strings.Join(c.log, "; ")
	c.log = nil
	return text
}
