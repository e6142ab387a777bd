// Package timeline makes of what cores note (package urpc/trace) a file that
// Perfetto shows: one process per core, with tracks for its state, threads, driver,
// messages and program, and an arrow for each message from core to core.
//
// It goes in two steps. While cores run, a Spool copies their records into a file per
// core, in the order in which they were begun; that is cheap, its memory is bounded,
// and what a core overwrote before it was copied is counted. Afterwards, or at any time meanwhile,
// Convert reads these files together, by time, and writes Chrome's trace event
// format (JSON, docs/howto/trace.md).
package timeline
