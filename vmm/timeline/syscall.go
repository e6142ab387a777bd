package timeline

import "fmt"

// syscallNames are the Linux system calls that Go's runtime makes most, and the
// CPU driver's own calls (guest/cpudriver/syscalls.go).
var syscallNames = map[uint64]string{
	0: "read", 1: "write", 3: "close", 5: "fstat", 9: "mmap", 10: "mprotect", 11: "munmap", 13: "rt_sigaction", 14: "rt_sigprocmask",
	15: "rt_sigreturn", 17: "pread64", 24: "sched_yield", 28: "madvise", 35: "nanosleep", 39: "getpid", 56: "clone", 60: "exit",
	72: "fcntl", 131: "sigaltstack", 158: "arch_prctl", 186: "gettid", 202: "futex", 204: "sched_getaffinity", 228: "clock_gettime",
	231: "exit_group", 233: "epoll_ctl", 234: "tgkill", 257: "openat", 281: "epoll_pwait", 290: "eventfd2", 291: "epoll_create1",
	293: "pipe2", 302: "prlimit64", 318: "getrandom",
}

// exitNames are KVM's reasons to leave for the VMM (linux/kvm.h, KVM_EXIT_*).
var exitNames = map[uint64]string{
	2: "I/O", 5: "halt", 6: "MMIO", 7: "interrupt window", 8: "shutdown", 9: "entry failed", 10: "signal", 17: "internal error", 24: "system event",
}

func exitName(reason uint64) string {
	if name, ok := exitNames[reason]; ok {
		return "exit: " + name
	}
	return fmt.Sprintf("exit: reason %d", reason)
}

func syscallName(nr uint64) string {
	if name, ok := syscallNames[nr]; ok {
		return name
	}
	return fmt.Sprintf("call %#x", nr)
}
