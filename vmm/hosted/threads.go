package hosted

import (
	"fmt"
	"os"
	"path/filepath"
)

// threads lists the folders of a process's threads that Linux tells the calls
// of: /proc/PID/task/TID.
func threads(pid int) []string {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	for i, f := range files {
		files[i] = filepath.Dir(f)
	}
	return files
}

// call is a system call that a thread is blocked in.
type call struct {
	number int
	args   [4]uint64
}

// blockedIn returns the call that a thread is blocked in (proc(5)); ok is false
// where it runs.
func blockedIn(thread string) (c call, ok bool, err error) {
	b, err := os.ReadFile(filepath.Join(thread, "syscall"))
	if err != nil {
		return c, false, err
	}
	n, _ := fmt.Sscanf(string(b), "%d 0x%x 0x%x 0x%x 0x%x", &c.number, &c.args[0], &c.args[1], &c.args[2], &c.args[3])
	return c, n == 5, nil
}
