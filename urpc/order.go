package urpc

// The four instructions of the protocol that Go has no plain form of. All are
// leaf functions: no stack beyond the return address, no allocation, any
// interrupt flag, callable from the CPU driver's stack.

// storeRelease stores v with one plain MOV. The hardware (x86-TSO) keeps it
// behind every earlier store and load of this core; the compiler moves no store
// across the call. sync/atomic would use XCHG, which is 6 to 10 times slower in a
// stream. Call it through publish, which the race detector understands.
//
//go:noescape
func storeRelease(addr *uint64, v uint64)

// Publish stores v behind every earlier store, for whoever loads it with sync/atomic: what
// it finds there was complete before.
func Publish(addr *uint64, v uint64) { publish(addr, v) }

// fence returns when every earlier store of this core is visible to all others
// (about 20 cycles, plus the time the last store needs to get its line). It is
// what keeps "my store, then my load of the other's word" in that order.
func fence()

// pause executes n PAUSE instructions (11 ns each on the development machine).
// n must be at least 1.
func pause(n uint32)

// prefetch brings eight consecutive lines towards this core. It never faults.
//
//go:noescape
func prefetch(lines *Line)
