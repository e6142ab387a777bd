package hosted

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Quiet reports whether the process waits for nothing but its doorbell: no
// thread runs, one waits in epoll without a time limit, so that no timer is set,
// for nothing but the runtime's own event and the doorbell, and the others wait
// for each other, none of them for signals on the program's behalf. Where Linux
// does not tell what threads are blocked in, no process is ever quiet.
func (p *Process) Quiet() bool {
	pid := p.PID()
	waiting := false
	for _, t := range threads(pid) {
		c, ok, err := blockedIn(t)
		if err != nil || !ok {
			return false
		}
		switch c.number {
		case unix.SYS_FUTEX: // waits for another thread, or is the idle monitor thread
		case unix.SYS_EPOLL_PWAIT:
			if int32(c.args[3]) != -1 || watched(pid, c.args[0]) > 2 {
				return false
			}
			waiting = true
		default:
			return false
		}
		if listens(t) {
			return false
		}
	}
	return waiting
}

// asked holds the signals by which the VMM asks a program to end, as SigBlk does.
const asked = 1<<(unix.SIGINT-1) | 1<<(unix.SIGTERM-1)

// listens reports whether a thread waits for the program to be asked to end
// (os/signal): the Go runtime's thread for that blocks all other signals, and no
// other thread of an idle runtime blocks any.
func listens(thread string) bool {
	b, err := os.ReadFile(filepath.Join(thread, "status"))
	if err != nil {
		return false
	}
	for line := range bytes.Lines(b) {
		var mask uint64
		if n, _ := fmt.Sscanf(string(line), "SigBlk: %x", &mask); n == 1 {
			return mask != 0 && mask&asked != asked
		}
	}
	return false
}

// watched returns how many descriptors an epoll descriptor of a process watches.
func watched(pid int, fd uint64) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	if err != nil {
		return 0
	}
	n := 0
	for line := range bytes.Lines(b) {
		if strings.HasPrefix(string(line), "tfd:") {
			n++
		}
	}
	return n
}
