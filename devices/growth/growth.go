// Package growth is the memory device of a virtual machine: one register by which a
// core asks for more private memory while it runs, or gives some back. What is asked
// for is named by the core, which knows what it has; what it may have is for the VMM to
// say, in the boot page. Processes have no such device: Linux gives them memory, up
// to their limit.
package growth

import "barreleye/devices/layout"

// Request is the value written to the register at layout.GrowthGPA, 8 bytes. Every
// write is a VM exit to user space; the answer is there when it is over.
type Request uint64

// A request names blocks of layout.HugeSize by their number, from layout.RAMGPA on.
const (
	giveBack   = 1 << 0
	firstShift = 8
	countShift = 32
	mask       = 1<<24 - 1
)

// Blocks is a run of blocks.
type Blocks struct{ First, Count uint64 }

// Take asks for a run of blocks that the core does not have.
func (b Blocks) Take() Request { return Request(b.First&mask<<firstShift | b.Count&mask<<countShift) }

// Give gives a run of blocks back. Their contents are lost.
func (b Blocks) Give() Request { return b.Take() | giveBack }

// Blocks returns what a request is about.
func (r Request) Blocks() (b Blocks, give bool) {
	return Blocks{uint64(r) >> firstShift & mask, uint64(r) >> countShift & mask}, r&giveBack != 0
}

// Range returns where the blocks lie: offsets in private memory, in bytes.
func (b Blocks) Range() (from, to uint64) {
	return b.First * layout.HugeSize, (b.First + b.Count) * layout.HugeSize
}

// Answer is what became of a request.
type Answer uint64

const (
	Done    Answer = iota // the core has them, or has them no more
	Limit                 // they are beyond what the core may have, or it has (not) got them already
	NoRoom                // the host has no memory to spare
	Refused               // KVM did not take it
)
