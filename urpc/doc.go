// Package urpc carries messages of up to 56 bytes between two cores over
// shared memory, after Barrelfish's user-level RPC: a ring of 64-byte lines for
// streams (Sender, Receiver, Conn), and one line in turns for calls
// (CallClient, CallServer).
//
// Limits: one goroutine at a time per end; one sender and one receiver per
// ring; 16 to 16384 lines, of which one is kept for the close mark; no message
// longer than one line. Memory is the caller's, zeroed before an epoch begins,
// and the package never trusts what the other side wrote into it: a hostile or
// dead peer can lose its own messages, never crash or hang this side or make it
// read outside the ring.
//
// The ends know nothing of guests or hosts: waiting goes through Sleeper,
// waking through Bell. The format, who writes which word, and the ordering
// argument of every store and load are in docs/reference/urpc.md.
package urpc
