package dispatcher

import (
	"fmt"
	"os"
	"runtime/debug"

	"barreleye/guest"
)

// Fault is what ended an upcall, or the domain's dispatcher on another core.
type Fault struct {
	Core   int    // where
	Domain string // of which domain
	Value  any    // what was panicked with; nil for the end of another dispatcher
	Stack  []byte // of the goroutine
	Err    error  // wraps ErrFault, or ErrEnded for the end of another dispatcher
}

func (f *Fault) Error() string {
	if f.Value == nil {
		return fmt.Sprintf("core %d: domain %q: %v", f.Core, f.Domain, f.Err)
	}
	return fmt.Sprintf("core %d: domain %q: %v: %v", f.Core, f.Domain, f.Err, f.Value)
}

// Unwrap returns Err.
func (f *Fault) Unwrap() error { return f.Err }

// OnFault sets the upcall for faults. It says whether the dispatcher goes on; one
// without this upcall ends with its first fault and with its home, and goes on after the
// end of any other part.
func (d *Dispatcher) OnFault(f func(*Fault) (goOn bool)) { d.faults = f }

// catch runs f and returns what it panicked with.
func (d *Dispatcher) catch(f func()) (fault *Fault) {
	defer func() {
		if v := recover(); v != nil {
			fault = d.caught(v)
		}
	}()
	f()
	return nil
}

// caught makes a panic a fault.
func (d *Dispatcher) caught(v any) *Fault {
	return &Fault{Core: guest.Core(), Domain: d.domain.name, Value: v, Stack: debug.Stack(), Err: ErrFault}
}

// protect runs f as an upcall.
func (d *Dispatcher) protect(f func()) {
	if fault := d.catch(f); fault != nil {
		d.report(fault)
	}
}

// report upcalls for a fault. A panic of that upcall ends the dispatcher.
func (d *Dispatcher) report(f *Fault) {
	goOn := f.Value == nil && f.Core != d.domain.home
	if d.faults != nil {
		goOn = false
		if second := d.catch(func() { goOn = d.faults(f) }); second != nil {
			f = second
		}
	} else if !goOn {
		fmt.Fprintf(os.Stderr, "dispatcher: %v: the domain ends here\n%s", f, f.Stack)
	}
	if !goOn {
		d.stop(f)
	}
}
