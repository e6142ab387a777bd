package runs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// processStart returns when a process started, in clock ticks since the host's
// boot, or 0 if there is none: with it a number that was given out again is not
// taken for the process it was (proc_pid_stat(5), field 22).
func processStart(pid int) uint64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return startOf(string(b))
}

// startOf reads the start from the text of a stat file. The name in it may
// hold spaces and parentheses. A zombie runs no more.
func startOf(stat string) uint64 {
	i := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[i+1:])
	const state, start = 3 - 3, 22 - 3 // fields after the name
	if len(fields) <= start || fields[state] == "Z" || fields[state] == "X" {
		return 0
	}
	n, err := strconv.ParseUint(fields[start], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
