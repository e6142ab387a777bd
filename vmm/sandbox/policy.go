package sandbox

import (
	"slices"

	"github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// Everything that is not listed is refused with EPERM. Seccomp sees the numbers and
// arguments of system calls, but nothing that an argument points to: which files may be
// opened is Landlock's.

// always is what any Go program does: memory, threads, signals, time, waiting, and files.
var always = []string{
	"munmap", "mincore", "madvise", "membarrier",
	"exit", "exit_group", "futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "sched_setaffinity",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "tgkill", "restart_syscall",
	"getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getgroups",
	"uname", "sysinfo", "getrusage", "times", "prlimit64", "getrlimit", "getrandom",
	"clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep",
	"timer_create", "timer_settime", "timer_delete", "setitimer",
	"epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "eventfd2", "pipe2",
	"read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "pwritev", "lseek", "close", "fcntl", "dup", "dup3",
	"openat", "fstat", "newfstatat", "statx", "faccessat", "faccessat2", "readlinkat", "getdents64", "getcwd",
	"fsync", "fdatasync",
}

// folders is what the VMM does in the folder of its run.
var folders = []string{"mkdirat", "unlinkat", "renameat", "renameat2", "ftruncate", "fallocate", "flock", "fchmod"}

// connections is what it does with clients that came to a socket it listens at since
// before; it makes no sockets.
var connections = []string{
	"accept4", "getsockname", "getpeername", "getsockopt", "setsockopt", "shutdown",
	"sendmsg", "recvmsg", "sendto", "recvfrom", "sendfile", "splice", "copy_file_range",
}

// lives is what starting a process takes, of the VMM's.
var lives = []string{"pidfd_open", "pidfd_send_signal", "seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}

// begins is what happens before the program of a core that is a process begins: the fork
// that makes it, by a thread that then waits for its end, and the mounts that are what it sees as files. It cannot be told apart here
// from what its program does; the process gives it up itself (guest/hosted).
var begins = []string{
	"clone", "wait4", "waitid", "prctl", "execve", "arch_prctl", "setpgid", "chdir", "chroot", "mount", "umount2", "capset", "seccomp", "setrlimit",
	"mkdirat", "fchmodat", "fchmodat2", "utimensat",
}

// cores is what such a program does beyond what any does. Where Linux has no mounts for
// it it sees the host's files, and may change them.
var cores = []string{"kill", "setpriority", "getpriority", "ftruncate", "fchmod", "chdir", "truncate", "unlinkat", "renameat", "renameat2", "symlinkat", "linkat", "fchownat"}

// policy is the VMM's.
func (c Config) policy() seccomp.Policy {
	names := slices.Concat(always, folders, connections, []string{"memfd_create"})
	some := slices.Concat(notExecuted, devices)
	if c.Processes {
		names = slices.Concat(names, lives, begins, cores)
		some = slices.Concat(some, looks)
	} else {
		some = slices.Concat(some, threadsOnly, namedMemory)
	}
	return permit(names, some)
}

// corePolicy is that of a core that is a process.
func corePolicy() seccomp.Policy {
	return permit(slices.Concat(always, begins, cores), slices.Concat(notExecuted, terminals))
}

// looks permits to stop a core's process and to read its registers, for its stacks and
// core files. Which process it may be is Linux's to decide: a child.
var looks = []seccomp.NameWithConditions{
	only("ptrace", is(0, unix.PTRACE_SEIZE)), only("ptrace", is(0, unix.PTRACE_INTERRUPT)), only("ptrace", is(0, unix.PTRACE_DETACH)),
	only("ptrace", is(0, unix.PTRACE_GETREGS)), only("ptrace", is(0, unix.PTRACE_GETREGSET)), only("ptrace", is(0, unix.PTRACE_CONT)),
}

// notExecuted permits memory that nobody executes.
var notExecuted = []seccomp.NameWithConditions{
	only("mmap", lacks(2, unix.PROT_EXEC)),
	only("mprotect", lacks(2, unix.PROT_EXEC)),
}

// threadsOnly permits to make threads, but no processes.
var threadsOnly = []seccomp.NameWithConditions{only("clone", has(0, unix.CLONE_THREAD))}

// namedMemory permits the Go runtime to say what memory is for.
var namedMemory = []seccomp.NameWithConditions{only("prctl", is(0, unix.PR_SET_VMA))}

// terminals permits to ask whether a descriptor is one, and its size.
var terminals = []seccomp.NameWithConditions{
	only("ioctl", is(1, unix.TCGETS)),
	only("ioctl", is(1, unix.TIOCGWINSZ)),
}

// devices permits that, and everything that KVM knows: its type is 0xAE (linux/kvm.h),
// in the second byte of the number.
var devices = append([]seccomp.NameWithConditions{
	only("ioctl", has(1, 1<<9), has(1, 1<<10), has(1, 1<<11), has(1, 1<<13), has(1, 1<<15), lacks(1, 1<<8|1<<12|1<<14)),
}, terminals...)

// permit permits calls by name, and some under conditions.
func permit(names []string, some []seccomp.NameWithConditions) seccomp.Policy {
	slices.Sort(names)
	return seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		Syscalls: []seccomp.SyscallGroup{
			{Names: slices.Compact(names), NamesWithCondtions: some, Action: seccomp.ActionAllow},
			// its flags are in memory, so that nobody is to have it: what it is for goes by
			// clone where there is no such call
			{Names: []string{"clone3"}, Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS)},
		},
	}
}

// only permits a call under conditions on its arguments, which all must be met.
func only(name string, c ...seccomp.Condition) seccomp.NameWithConditions {
	return seccomp.NameWithConditions{Name: name, Conditions: c}
}

func is(arg uint32, value uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.Equal, Value: value}
}

// has wants the bit to be set: of several any would do.
func has(arg uint32, bit uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.BitsSet, Value: bit}
}

// lacks wants none of the bits to be set.
func lacks(arg uint32, bits uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.BitsNotSet, Value: bits}
}
