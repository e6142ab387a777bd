package hosted

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of ptrace (include/uapi/linux/ptrace.h, include/uapi/linux/elf.h).
const (
	getRegSet = 0x4204 // PTRACE_GETREGSET
	xstateSet = 0x202  // NT_X86_XSTATE
	vectorMax = 1 << 14
)

// vectorOf returns the XSAVE area of a thread that stands, in standard format; nil
// where it cannot be had.
func vectorOf(tid int) []byte {
	area := make([]byte, vectorMax)
	v := unix.Iovec{Base: &area[0]}
	v.SetLen(len(area))
	if _, _, e := unix.Syscall6(unix.SYS_PTRACE, getRegSet, uintptr(tid), xstateSet, uintptr(unsafe.Pointer(&v)), 0, 0); e != 0 {
		return nil
	}
	return area[:v.Len]
}

// detach lets a thread go on, with a signal that it was about to get, 0 for none.
func detach(tid, signal int) error {
	if _, _, e := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(tid), 0, uintptr(signal), 0, 0); e != 0 {
		return e
	}
	return nil
}

// statusOf returns si_status of what waitid told (include/uapi/asm-generic/siginfo.h).
func statusOf(info *unix.Siginfo) int {
	const at = 24 // behind si_signo, si_errno, si_code, padding, si_pid, si_uid
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), at)))
}
