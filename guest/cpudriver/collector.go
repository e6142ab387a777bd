package cpudriver

import "barreleye/urpc/trace"

// What the collector does cannot be asked for without waiting for it. That it marks
// shows in the runtime's write barrier, a word that compiled code tests at each
// store of a pointer; it is looked at at each system call, of which the runtime
// makes some when it begins and ends to mark.

// marked is whether the collector was marking when it was looked at last.
var marked uint64

// noteSyscall notes a system call, and whether the collector marks where that has
// changed.
func noteSyscall(c *context) {
	if m := marking(); m != marked && trace.On(trace.Mark) {
		marked = m
		trace.Event(trace.Mark, m, 0)
	}
	trace.Event(trace.Syscall, c.rax, c.tid)
}

// marking returns 1 while the runtime's write barrier is on, else 0.
func marking() uint64
