package multikernel

import (
	"fmt"

	"barreleye/devices/layout"
	"barreleye/vmm/life"
	"barreleye/vmm/machine"
	"barreleye/vmm/postmortem"
)

// exceptionNames are those of SDM vol. 3, table 6-1.
var exceptionNames = map[uint64]string{
	0: "divide error", 1: "debug exception", 3: "breakpoint", 4: "overflow", 5: "bound range exceeded",
	6: "invalid opcode", 7: "device not available", 8: "double fault", 10: "invalid TSS",
	11: "segment not present", 12: "stack fault", 13: "general protection fault", 14: "page fault",
	16: "x87 error", 17: "alignment check", 18: "machine check", 19: "SIMD error",
}

// describe returns one line on how a core's life ended and what to do next, or
// "" where it ended well.
func (r *run) describe(c *core) string {
	if c.err != nil {
		return fmt.Sprintf("core %d: %v", c.index, c.err)
	}
	if r.obeyed(c) {
		return ""
	}
	switch c.end.Kind {
	case life.Exited:
		if c.end.Code == 0 {
			return ""
		}
		words := ""
		if c.words != "" {
			words = " (" + c.words + ")"
		}
		return fmt.Sprintf("core %d: exited with code %d%s: its last lines are in %s/core-%d.log", c.index, c.end.Code, words, r.opt.Dir, c.index)
	case life.Crashed:
		return r.describeCrash(c)
	case life.Foreign:
		return fmt.Sprintf("core %d: crashed: %s by %s; registers: %s: its last lines are in %s/core-%d.log",
			c.index, c.end.Detail, c.where(c.end.PC), c.end.State, r.opt.Dir, c.index)
	case life.Killed:
		return fmt.Sprintf("core %d: crashed: killed by %s: its last lines are in %s/core-%d.log; the kernel's own (dmesg) tell if it ran out of memory",
			c.index, c.end.Detail, r.opt.Dir, c.index)
	}
	if c.killed && c.end.Kind == life.Stopped {
		return fmt.Sprintf("core %d: killed, as a command asked: its last lines are in %s/core-%d.log", c.index, r.opt.Dir, c.index)
	}
	if c.end.Kind == life.Stuck {
		return fmt.Sprintf("core %d: stuck: %s, at %s; registers: %s: 'barreleye autopsy' shows its stacks; --watchdog 0 lets it be",
			c.index, c.end.Detail, c.where(c.end.PC), c.end.State)
	}
	detail := ""
	if c.end.Detail != "" {
		detail = ": " + c.end.Detail
	}
	if c.end.State == "" {
		return fmt.Sprintf("core %d: %s%s: the CPU was %s: 'barreleye autopsy' shows what is left; run the image with --no-patch to rule the patcher out, and report it",
			c.index, c.end.Kind, detail, postmortem.Reset)
	}
	return fmt.Sprintf("core %d: %s at %s%s; registers: %s: run the image with --no-patch to rule the patcher out, and report it",
		c.index, c.end.Kind, c.where(c.end.PC), detail, c.end.State)
}

// describeCrash reads the record the driver left.
func (r *run) describeCrash(c *core) string {
	k := r.view.Crash(c.index)
	what := exceptionNames[k.Vector]
	if what == "" {
		what = fmt.Sprintf("exception %d", k.Vector)
	}
	if k.Vector == 14 {
		verb := "read of"
		if k.Error&2 != 0 {
			verb = "write to"
		}
		if k.Error&16 != 0 {
			verb = "jump to"
		}
		what += fmt.Sprintf(" on %s %#x", verb, k.Address)
	}
	who := "the program"
	if k.InDriver != 0 {
		who = "the CPU driver"
		if k.Vector == 14 && k.Address >= layout.DriverVA-2*layout.PageSize && k.Address < layout.DriverVA {
			what += " (driver stack overflow)"
		}
	}
	regs := machine.FaultRegisters(k)
	return fmt.Sprintf("core %d: crashed: %s in %s at %s; registers: %s: its last lines are in %s/core-%d.log",
		c.index, what, who, c.where(k.RIP), regs.String(), r.opt.Dir, c.index)
}

// where names an address by function and line.
func (c *core) where(pc uint64) string {
	fn, off, file, line, ok := c.born.program.image.Symbol(pc)
	if !ok {
		return fmt.Sprintf("%#x (no function there)", pc)
	}
	return fmt.Sprintf("%#x %s+%#x (%s:%d)", pc, fn, off, file, line)
}
