package dispatcher

import (
	"syscall"
	"time"
	"unsafe"
)

// threadTime returns the CPU time of a thread of this process (clock_getcpuclockid,
// include/linux/posix-timers.h: the thread's number, complemented, above three bits
// that say what is counted).
func threadTime(tid int) time.Duration {
	const perThread, scheduled = 4, 2
	clock := uintptr(^tid)<<3 | perThread | scheduled
	var t syscall.Timespec
	if _, _, e := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)), 0); e != 0 {
		return 0
	}
	return time.Duration(t.Nano())
}
