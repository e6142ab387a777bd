package cpudriver

import (
	"barreleye/devices/doorbell"
	"barreleye/devices/input"
)

// reader is core 0's standard input. Nothing is asked of the VMM before the
// program reads.
var reader input.Reader

// readInput serves read of descriptors 0 to 2. The other cores have no input.
func readInput(c *context, fd, buffer, n uint64) uint64 {
	if fd != 0 || coreID != 0 || n == 0 {
		return 0
	}
	got, ended, ask := reader.Read(view.Input(), bytesAt(buffer, n))
	if got == 0 && !ended {
		if ask {
			ringDoorbell(doorbell.VMM)
		}
		if files[fd].nonblock {
			return errno(eAGAIN)
		}
		c.state = onInput
	}
	return uint64(got)
}

// inputWaited reports whether an answer of the VMM has come in while a thread
// waits for it.
func inputWaited() bool { return waitsIn(onInput) && reader.Arrived(view.Input()) }
