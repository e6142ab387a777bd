package multikernel

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"barreleye/vmm/gdb"
	"barreleye/vmm/life"
	"barreleye/vmm/lifecycle"
	"barreleye/vmm/machine"
	"barreleye/vmm/postmortem"
)

// debuggable is a carrier whose core a debugger can have.
type debuggable interface {
	Debug(stopped func(machine.Trap)) (*machine.Debugger, error)
	Held() bool
}

// ErrProcess says that a core is a process, which any debugger of the host debugs.
var ErrProcess = errors.New("the cores are Linux processes")

// debugging is the cores that one debugger has: gdb.Target. Lives that begin later are
// not among them. Other goroutines than the debugger's tell it what happened.
type debugging struct {
	r     *run
	woken chan struct{}

	mu    sync.Mutex
	cores []*debugged // ascending
	stops []gdb.Stop
}

// debugged is one of them.
type debugged struct {
	core int
	*machine.Debugger
}

// debug stops the cores that a command names, and answers with their debugger.
func (r *run) debug(cmd *Command) {
	if cmd.Core < AllCores || cmd.Core >= r.seen {
		cmd.refuse(ErrNoCore, fmt.Sprintf("name one from 0 to %d, or all", r.seen-1))
		return
	}
	t := &debugging{r: r, woken: make(chan struct{}, 1)}
	var err error
	for i, c := range r.cores {
		if cmd.Core != i && cmd.Core != AllCores || cmd.Core == AllCores && (c.life == nil || c.over) {
			continue
		}
		if err = t.take(c); err != nil {
			break
		}
	}
	if err == nil && len(t.cores) == 0 {
		err = lifecycle.ErrNotAlive
	}
	if err != nil {
		_ = t.letGo() // which had hardly begun
		next := "ps shows how the cores are"
		if l, ok := r.cores[max(cmd.Core, 0)].life.(*processLife); ok && errors.Is(err, ErrProcess) {
			next = fmt.Sprintf("gdb -p %d debugs core %d", l.PID(), max(cmd.Core, 0))
		}
		cmd.refuse(err, next)
		return
	}
	var names []string
	for _, d := range t.cores {
		r.cores[d.core].debug = t
		names = append(names, fmt.Sprint(d.core))
	}
	r.logs.Say("a debugger stopped core %s", strings.Join(names, ", "))
	cmd.answer(Reply{Core: t.cores[0].core, Debug: t})
}

// AllCores is Command.Core where OpDebug is about all of them.
const AllCores = -1

// take adds a core, which then stands.
func (t *debugging) take(c *core) error {
	if c.life == nil || c.over {
		return lifecycle.ErrNotAlive
	}
	l, ok := c.life.(debuggable)
	if !ok {
		return ErrProcess
	}
	d, err := l.Debug(func(trap machine.Trap) {
		t.tell(gdb.Stop{Core: c.index, Why: map[machine.Trap]gdb.Why{
			machine.TrapBreakpoint: gdb.AtBreakpoint, machine.TrapStep: gdb.Stepped, machine.TrapOwn: gdb.Trapped}[trap]})
	})
	if err == nil {
		t.cores = append(t.cores, &debugged{c.index, d})
	}
	return err
}

// held reports whether a debugger has a core stand.
func held(c *core) bool {
	l, ok := c.life.(debuggable)
	return ok && !c.over && l.Held()
}

// endDebug tells the debugger of a core that its life is over.
func (r *run) endDebug(c *core) {
	if c.debug == nil {
		return
	}
	stop := gdb.Stop{Core: c.index, Why: gdb.ByExit, Code: c.end.Code}
	if c.err != nil || c.end.Kind != life.Exited {
		stop.Why = gdb.ByCrash
	}
	c.debug.end(stop)
	c.debug = nil
}

// tell notes a stop.
func (t *debugging) tell(stop gdb.Stop) {
	t.mu.Lock()
	t.stops = append(t.stops, stop)
	t.mu.Unlock()
	select {
	case t.woken <- struct{}{}:
	default: // somebody is about to look
	}
}

// end takes a core away whose life is over.
func (t *debugging) end(stop gdb.Stop) {
	t.mu.Lock()
	t.cores = slices.DeleteFunc(t.cores, func(d *debugged) bool { return d.core == stop.Core })
	t.mu.Unlock()
	t.tell(stop)
}

// living returns the cores whose life is not over.
func (t *debugging) living() []*debugged {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.cores)
}

// Cores is gdb.Target.
func (t *debugging) Cores() (list []int) {
	for _, d := range t.living() {
		list = append(list, d.core)
	}
	return list
}

// find returns one of the cores.
func (t *debugging) find(core int) (*debugged, error) {
	for _, d := range t.living() {
		if d.core == core {
			return d, nil
		}
	}
	return nil, lifecycle.ErrNotAlive
}

// Registers is gdb.Target.
func (t *debugging) Registers(core int) (postmortem.Thread, error) {
	d, err := t.find(core)
	if err != nil {
		return postmortem.Thread{}, err
	}
	return d.Registers()
}

// SetRegisters is gdb.Target.
func (t *debugging) SetRegisters(core int, regs postmortem.Thread) error {
	d, err := t.find(core)
	if err != nil {
		return err
	}
	return d.SetRegisters(regs)
}

// ReadMemory is gdb.Target.
func (t *debugging) ReadMemory(core int, b []byte, va uint64) int {
	d, err := t.find(core)
	if err != nil {
		return 0
	}
	return d.ReadMemory(b, va)
}

// WriteMemory is gdb.Target.
func (t *debugging) WriteMemory(core int, b []byte, va uint64) error {
	d, err := t.find(core)
	if err != nil {
		return err
	}
	return d.WriteMemory(b, va)
}

// Insert is gdb.Target. Cores may run different images: one that can have the
// breakpoint is enough.
func (t *debugging) Insert(va uint64) error {
	return t.anywhere(func(d *debugged) error { return d.Insert(va) })
}

// Remove is gdb.Target.
func (t *debugging) Remove(va uint64) error {
	return t.anywhere(func(d *debugged) error { return d.Remove(va) })
}

// anywhere does something with all cores and fails where it does with each.
func (t *debugging) anywhere(do func(d *debugged) error) error {
	err, ok := lifecycle.ErrNotAlive, false
	for _, d := range t.living() {
		if e := do(d); e != nil {
			err = e
		} else {
			ok = true
		}
	}
	if ok {
		return nil
	}
	return err
}

// Resume is gdb.Target. A core whose life is about to be over does not mind.
func (t *debugging) Resume(step, run []int) {
	for _, d := range t.living() {
		if stepped := slices.Contains(step, d.core); stepped || slices.Contains(run, d.core) {
			_ = d.Debugger.Resume(stepped)
		}
	}
}

// Halt is gdb.Target.
func (t *debugging) Halt() {
	for _, d := range t.living() {
		d.Debugger.Halt()
	}
}

// Woken is gdb.Target.
func (t *debugging) Woken() <-chan struct{} { return t.woken }

// Next is gdb.Target.
func (t *debugging) Next() (stop gdb.Stop, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.stops) == 0 {
		return stop, false
	}
	stop, t.stops = t.stops[0], t.stops[1:]
	return stop, true
}

// Detach is gdb.Target.
func (t *debugging) Detach() {
	err := t.letGo()
	t.r.tell(func() {
		for _, c := range t.r.cores {
			if c.debug == t {
				c.debug = nil
			}
		}
		if err != nil {
			t.r.logs.Alarm("the debugger left, and not all is as it was: %v", err)
		} else {
			t.r.logs.Say("the debugger left")
		}
	})
}

// letGo lets all cores go on as if nothing had been.
func (t *debugging) letGo() (err error) {
	for _, d := range t.living() {
		if e := d.Debugger.Detach(); !errors.Is(e, machine.ErrOver) {
			err = errors.Join(err, e)
		}
	}
	return err
}
