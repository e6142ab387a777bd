package multikernel

import (
	"fmt"
	"path/filepath"
	"strings"

	"barreleye/devices/layout"
	"barreleye/vmm/autopsy"
	"barreleye/vmm/life"
	"barreleye/vmm/observe"
	"barreleye/vmm/postmortem"
)

// mortal is a carrier of whose core something is left when its life has ended:
// that of a virtual machine. Of a process the kernel leaves nothing.
type mortal interface {
	// Remains returns what is left, until Close.
	Remains() postmortem.Remains
}

// remains returns what is left of a core whose life ended, nil for nothing.
func (c *core) remains() postmortem.Remains {
	if m, ok := c.life.(mortal); ok && c.err == nil {
		return m.Remains()
	}
	return nil
}

// crashed reports whether the core's life ended otherwise than by its own program.
func (c *core) crashed() bool {
	return c.err == nil && c.end.Kind != life.Exited && c.end.Kind != life.Stopped
}

// postmortem is what is done about a core once the survivors know: its stack
// goes to the log, all that it left to the run's folder. channels are as they
// were before the survivors knew.
func (r *run) postmortem(c *core, channels []autopsy.Channel) {
	if !r.remarkable(c) {
		return
	}
	s := r.subject(c)
	record := s.Capture()
	record.Life, record.End, record.Crashed, record.Channels = c.number, r.describe(c), c.crashed(), channels
	if record.Platform = r.report.Platform; r.report.Flavour != "" {
		record.Platform += fmt.Sprintf(" (%s)", r.report.Flavour)
	}
	record.Lines = autopsy.Tail(filepath.Join(r.opt.Dir, observe.CoreFile(c.index)), tailBytes)
	record.Lines = record.Lines[max(0, len(record.Lines)-tailLines):]
	if c.crashed() && s.Remains != nil {
		r.logs.Say("core %d: its stack:\n%s", c.index, strings.Join(r.trail(s), "\n"))
	}
	if r.opt.CoreFiles && s.Remains != nil && c.endSignal() != 0 {
		name, err := r.dump(c, s.Remains)
		if err != nil {
			r.logs.Say("%v", err)
		} else {
			r.logs.Say("core %d: core file %s", c.index, filepath.Join(r.opt.Dir, name))
		}
		record.CoreFile = name
	}
	if err := record.Write(r.opt.Dir); err != nil {
		r.logs.Say("%v", err)
	}
}

// remarkable reports whether a life's end deserves a record.
func (r *run) remarkable(c *core) bool {
	return c.err == nil && !r.obeyed(c) && (c.end.Kind != life.Exited || c.end.Code != 0)
}

func (r *run) subject(c *core) *autopsy.Subject {
	return &autopsy.Subject{View: r.view, Core: c.index, Image: c.born.program.image, Remains: c.remains(), TSCKHz: r.report.TSCKHz}
}

// trailFrames is how many calls of a stack go to the log.
const trailFrames = 16

// trail lists the calls that led to the end of a core: those of the driver, if it
// ended there, and of the thread that it served.
func (r *run) trail(s *autopsy.Subject) (lines []string) {
	left := s.Remains
	add := func(title string, regs *postmortem.Registers) {
		lines = append(lines, title)
		for _, f := range autopsy.Lines(postmortem.Stack(left, s.Image, regs, trailFrames)) {
			lines = append(lines, "  "+f)
		}
	}
	threads := left.Threads()
	first := threads[0]
	if first.What == postmortem.Reset {
		lines = append(lines, first.What)
		for _, t := range threads[1:] {
			add(fmt.Sprintf("thread %d, %s:", t.TID, t.What), &t.Regs)
		}
		return lines
	}
	add(first.What+":", &first.Regs)
	if first.Regs.RSP >= layout.DriverLow && first.Regs.RSP < layout.PanicVA+layout.PanicSize {
		for _, t := range threads {
			if t.What == postmortem.Served {
				add(fmt.Sprintf("called by thread %d:", t.TID), &t.Regs)
			}
		}
	}
	return lines
}

// codeGo is how the Go runtime ends a program: after a panic, a fatal error, or
// SIGQUIT.
const codeGo = 2

// lastWords says why the Go runtime ended the core's program, "" where it did not.
// All that the core wrote is in its file.
func (r *run) lastWords(c *core) string {
	if c.err != nil || c.end.Kind != life.Exited || c.end.Code != codeGo {
		return ""
	}
	return autopsy.GoEnd(autopsy.Tail(filepath.Join(r.opt.Dir, observe.CoreFile(c.index)), tailTrace))
}

// How much of a core's text is looked at, in bytes: for its last lines, and for
// the head of what the runtime printed, which a stack for each goroutine follows.
const (
	tailBytes = 4 << 10
	tailTrace = 1 << 20
	tailLines = 20
)
