// Package dispatcher runs several domains on one core, and one domain on several
// cores (paper §4.5). A domain is a set of dispatchers, one on each core that it
// runs on. A dispatcher is the domain's event loop on that core: one goroutine, on a thread
// of its own, that the CPU driver upcalls
//
//   - to run: functions were posted;
//   - with a message: of a channel to another core (Attach), or of a caller on this
//     core that hands over the core with it (Handle);
//   - for a fault: a handler panicked, or the domain's dispatcher on another core ended;
//   - when a timer is due.
//
// One upcall runs at a time, so handlers need no locks among each other. The driver
// divides the core among dispatchers by priority and share, and preempts at the tick.
//
// A program defines its domains by name (Define); Start makes one on this core, and
// Span has it go on on a further core that runs the same image.
//
// Domains of a core share its address space and its Go runtime: one heap, one
// collector, one scheduler. A panic ends the domain alone; what the runtime cannot recover from
// ends the core. docs/reference/domains.md says what is measured, and what holds
// where the core is a Linux process.
package dispatcher
