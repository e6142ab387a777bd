package cli

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"barreleye/vmm/multikernel"
	"barreleye/vmm/sandbox"

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
	checkClock(d)
	checkMemory(d)
	checkHugePages(d)
	checkDescriptors(d)
	checkSandbox(d)
}

// checkSandbox tells what would hold a run.
func checkSandbox(d *diagnosis) {
	const name = "sandbox"
	switch h := sandbox.Offered(); {
	case !h.Seccomp:
		d.note(name, h.String(), "use a kernel with CONFIG_SECCOMP_FILTER to hold runs to the system calls that they need")
	case h.Landlock == 0:
		d.note(name, h.String(), "use a kernel from 5.13 on with landlock among its security modules (lsm=) to hold runs to their folder")
	default:
		d.ok(name, "%s", h)
	}
}

// checkClock looks for a TSC that runs at one speed and never stops, as cores
// that read it directly expect.
func checkClock(d *diagnosis) {
	const cpuinfo = "/proc/cpuinfo"
	b, err := os.ReadFile(cpuinfo)
	if err != nil {
		d.warn("CPU", err.Error(), "mount /proc")
		return
	}
	field := func(name string) string {
		for line := range strings.Lines(string(b)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
				return strings.TrimSpace(value)
			}
		}
		return "unknown"
	}
	flags := strings.Fields(field("flags"))
	var lacking []string
	for _, f := range []string{"constant_tsc", "nonstop_tsc"} {
		if !slices.Contains(flags, f) {
			lacking = append(lacking, f)
		}
	}
	if len(lacking) > 0 {
		d.warn("CPU", fmt.Sprintf("%s, without %s", field("model name"), strings.Join(lacking, " and ")),
			"in a virtual machine, give it the host's CPU model; cores' clocks may drift apart otherwise")
		return
	}
	d.ok("CPU", "%s, its TSC is a steady clock", field("model name"))
}

// Descriptors of a run: per core, and in all.
const (
	descriptorsPerCore = 4
	descriptorsOfRun   = 40
)

func checkDescriptors(d *diagnosis) {
	const want = multikernel.MaxCores*descriptorsPerCore + descriptorsOfRun
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		d.warn("open files", err.Error(), fmt.Sprintf("ulimit -n %d", want))
	} else if r.Cur < want {
		cores := max(int(r.Cur)-descriptorsOfRun, 0) / descriptorsPerCore
		d.warn("open files", fmt.Sprintf("at most %d, enough for %d cores", r.Cur, cores), fmt.Sprintf("ulimit -n %d", want))
	} else {
		d.ok("open files", "at most %d, enough for %d cores", r.Cur, multikernel.MaxCores)
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
