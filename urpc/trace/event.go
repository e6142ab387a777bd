package trace

// What Event writes to. Words, not pointers: the driver keeps none. Stored by
// Begin and Choose, through assembly, so that the race detector does not ask for
// an order between them and Event, which needs none.
var (
	on     Set     // kinds that are written
	target uintptr // address of the ring's head, 0 for none
	slots  uint64  // records of the ring, minus 1
	locked uint64  // 1: threads may write at the same time
)

// Event writes a record if its kind is on. Where that is a constant, it is one load and a
// branch while it is off.
func Event(k Kind, a, b uint64) {
	if on&(1<<(k&63)) != 0 {
		record(uint64(k), a, b)
	}
}

// On reports whether records of kind k are written, for callers with work to do
// before they have one.
func On(k Kind) bool { return on&(1<<(k&63)) != 0 }

// Begin has Event write the given kinds to r, which is zero or was written to
// before. threads says that the program's threads may run on several CPUs at
// once: then claiming a record takes a locked instruction.
func Begin(r Ring, kinds Set, threads bool) {
	var lock uint64
	if threads {
		lock = 1
	}
	begin(r.address(), uint64(len(r.records))-1, lock)
	Choose(kinds)
}

// Choose changes which kinds are written, after Begin.
func Choose(kinds Set) { choose(uint64(kinds)) }

// Kinds returns which kinds are written.
func Kinds() Set { return on }

// Put writes a record to a ring other than Event's, from any thread.
func (r Ring) Put(k Kind, a, b uint64) {
	put(r.address(), uint64(len(r.records))-1, uint64(k), a, b)
}

// Leaf functions: no stack beyond their arguments, no allocation, any interrupt
// flag, callable on the driver's stack.

// record writes a record to the ring that begin was told, if any.
func record(kind, a, b uint64)

// put writes a record to the ring with the given head, of slots+1 records.
func put(head uintptr, slots, kind, a, b uint64)

// begin stores target, slots and locked, target last.
func begin(head uintptr, records, lock uint64)

// choose stores on.
func choose(kinds uint64)

// timestamp reads the TSC.
func timestamp() uint64

// Now returns the TSC as records have it.
func Now() uint64 { return timestamp() }
