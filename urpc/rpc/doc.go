// Package rpc carries calls of any size over a duplex channel of lines, above
// package urpc: many at a time, in both directions, each with a context, answered
// in any order. Where one call at a time and 56 bytes are enough, urpc.CallClient
// is faster; this is the general form, and what the code that urpc/stubgen writes
// stands on.
//
// A Conn is shared by any number of goroutines. Whoever waits first looks at the
// channel for all of them; when nothing comes for long, one goroutine of the Conn
// sleeps on the channel's memory for all of them.
//
// Limits: both ends are made with the same Config. At most InFlight calls are
// under way per direction, and no message is longer than MaxBytes: what a hostile
// peer can make this end allocate is bounded by the product. A cancelled call
// keeps its place among those until the server has let go of it, so that a late
// answer finds its call and is dropped.
//
// The format of lines, the states of a call and the errors are in docs/reference/rpc.md.
package rpc
