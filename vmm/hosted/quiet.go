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
// for each other, none of them for signals on the program's behalf. Linux tells the calls that threads are blocked in
// (/proc/PID/task/TID/syscall); where it does not, no process is ever quiet.
func (p *Process) Quiet() bool {
	pid := p.PID()
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	waiting := false
	for _, t := range tasks {
		b, err := os.ReadFile(t)
		if err != nil {
			return false
		}
		var call int
		var args [4]uint64
		if n, _ := fmt.Sscanf(string(b), "%d 0x%x 0x%x 0x%x 0x%x", &call, &args[0], &args[1], &args[2], &args[3]); n != 5 {
			return false // "running"
		}
		switch call {
		case unix.SYS_FUTEX: // waits for another thread, or is the idle monitor thread
		case unix.SYS_EPOLL_PWAIT:
			if int32(args[3]) != -1 || watched(pid, args[0]) > 2 {
				return false
			}
			waiting = true
		default:
			return false
		}
		if listens(filepath.Join(filepath.Dir(t), "status")) {
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
func listens(status string) bool {
	b, err := os.ReadFile(status)
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
