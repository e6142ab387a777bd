// Package trace is what a core notes about what happens on it: a ring of records
// of 32 bytes, overwritten without end, that the core alone writes and anybody may
// read at any time without stopping it. It is imported by urpc, by the CPU driver
// and by the VMM, so it knows none of them.
//
// Event writes one record. It may be called on the driver's stack, and the driver
// may interrupt it at any instruction and call it itself: a record's place is
// claimed by one instruction, so neither takes the other's, and what was
// interrupted is finished later. It takes no lock and does not allocate. While its
// kind is off it is one load and a branch.
//
// A record is
//
//	offset 0   TSC when it was written
//	       8   two arguments, 64 bits each; kinds.go says what they are
//	      24   kind 8 bits, check 24, low half of the record's number 32; stored last
//
// The check is computed from the number, the TSC and the arguments, and is not zero
// for zeroes: what was never written is no record. A writer that
// was held up while the ring went round once may damage one newer record; its check
// says so. The TSC is read without a fence, so it may be some 50 cycles older than the
// load that found a message (Intel SDM vol. 2, RDTSC); a fence would cost as much as
// all the rest. docs/reference/memory-map.md shows where rings lie.
package trace
