package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// checkHost looks at what has nothing to do with KVM. Nothing of it keeps a
// core from running.
func checkHost(d *diagnosis) {
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		text := func(b []byte) string { return string(b[:bytes.IndexByte(b, 0)]) }
		d.ok("kernel", "%s %s", text(u.Sysname[:]), text(u.Release[:]))
	}
	var set unix.CPUSet
	switch err := unix.SchedGetaffinity(0, &set); {
	case err != nil:
		d.warn("CPUs", err.Error(), "use --pin none")
	case set.Count() == 1:
		d.warn("CPUs", "1: cores take turns on it, and idle ones do not poll", "give this process more CPUs (taskset, cpuset) to measure anything")
	default:
		d.ok("CPUs", "%d that this process may use", set.Count())
	}
	checkMemory(d)
	checkHugePages(d)
	if _, err := exec.LookPath("go"); err != nil {
		d.warn("go tool", "not on PATH", "install Go from https://go.dev/dl/ to run programs by their folder")
	} else {
		d.ok("go tool", "on PATH: programs can be run by their folder")
	}
}

// lowMemory is what some cores of the default size want, in KiB.
const lowMemory = 512 << 10

func checkMemory(d *diagnosis) {
	b, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(b)) {
		var kib uint64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); n != 1 {
			continue
		}
		if kib < lowMemory {
			d.warn("memory", fmt.Sprintf("%d MiB available", kib>>10), "use few cores and a small --memory")
		} else {
			d.ok("memory", "%d MiB available", kib>>10)
		}
		return
	}
	d.warn("memory", "how much is available is unknown: no MemAvailable in /proc/meminfo", "mount /proc")
}

func checkHugePages(d *diagnosis) {
	const setting = "/sys/kernel/mm/transparent_hugepage/enabled"
	b, err := os.ReadFile(setting)
	_, after, _ := strings.Cut(string(b), "[")
	mode, _, _ := strings.Cut(after, "]")
	switch {
	case err != nil:
		d.warn("huge pages", err.Error(), "large heaps are backed by 4 KiB pages and slower to touch; use a kernel with transparent huge pages")
	case mode == "never":
		d.warn("huge pages", "never", "echo madvise >"+setting)
	default:
		d.ok("huge pages", "%s", mode)
	}
}
