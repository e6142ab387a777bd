// Package names is what all monitors know by name: services that cores offer, locks
// that they hold, and topics on which they publish. It is a state of package agreement,
// so that every core has the same one.
//
// Whatever a core has here is leased to it for its life: when it dies, its services
// are withdrawn and its locks free. That commutes with what others do meanwhile, because
// a core gives names to itself only, and nobody gets one that any core still sees taken.
//
// A Registry answers look-ups at once, from this core's replica. To change something,
// a monitor makes an operation (Export, Withdraw, Lock, Unlock, Publish), has
// it agreed to, and reads what has changed with Changes. Waiting for a service or a
// lock is waiting for a Change.
//
// Limits: an operation fits agreement.MaxOp bytes; nothing here waits, or is fair.
package names
