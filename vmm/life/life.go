// Package life names how a core's life ends, on whatever platform it ran.
package life

// Kind is how a life ended.
type Kind int

// Ends of a life.
const (
	Exited   Kind = iota // the program exited, with a code
	Crashed              // the driver reported a fault; the core's block holds the record
	Triple               // triple fault
	Internal             // KVM could not emulate an instruction
	Entry                // KVM could not enter the guest
	MMIO                 // an access to physical memory that is not there
	Port                 // port I/O, which no core has
	Foreign              // an access to what is another core's or the VMM's
	Unknown              // an exit this VMM does not know
	Stuck                // it took CPU time and made no progress
	Killed               // Linux ended the core's process by a signal nobody here sent
	Stopped              // the VMM stopped it
)

// String names the end.
func (k Kind) String() string {
	return [...]string{"exit", "crash", "triple fault", "KVM internal error", "failed entry",
		"access to missing memory", "access to a missing port", "access to others' memory", "unknown exit", "stuck", "killed", "stopped"}[k]
}

// End is how a life ended.
type End struct {
	Kind   Kind
	Code   int    // the program's exit code, where it exited
	Detail string // one line about it, without the core and the location
	PC     uint64 // where it ended, 0 where that is not known
	State  string // the registers at that moment: "rip=0x... rsp=0x...", or ""
}
