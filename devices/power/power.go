// Package power is the power device: one register by which a core leaves its
// VM for good. Details (exit code, crash record) stand in the core's block of
// the shared region, so they outlive the VM.
package power

// Command is the value written to the register at layout.PowerGPA, 4 bytes.
// Every write is a VM exit to user space.
type Command uint32

const (
	// Exit ends the core in good order: its block holds the exit code.
	Exit Command = 1
	// Crash ends the core after a fault its driver could not hand to the
	// program: its block holds the crash record.
	Crash Command = 2
	// Birth says that the core of a template stands where its copies begin; it
	// alone goes on, as one of them.
	Birth Command = 3
)
