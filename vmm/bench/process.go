package bench

import (
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// ourselves prepares this binary as a process of its own, for what is compared
// with cores.
func ourselves(args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("bench: %w: start this binary by its full path", err)
	}
	return exec.Command(self, args...), nil
}

// pinToFirst pins this process to CPU 0, where core 0 is. Unpinned it does the
// same work.
func pinToFirst() {
	var set unix.CPUSet
	set.Set(0)
	_ = unix.SchedSetaffinity(0, &set)
}
