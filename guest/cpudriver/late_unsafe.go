package cpudriver

import _ "unsafe" // for go:linkname

// AwaitLate waits for a watch to be late and returns as Late does; false where a
// signal ended the wait. The runtime takes it for a system call that blocks: the goroutine keeps a thread,
// and no P. On return it is queued without a look at epoll.
//
//go:nosplit
func AwaitLate() (fd uint64, ok bool) {
	entersyscallblock()
	fd = invoke(callLate, 1, 0, 0)
	exitsyscall()
	return fd, int64(fd) >= 0
}

// The runtime lets packages that bring their own system calls have these two.

//go:linkname entersyscallblock runtime.entersyscallblock
func entersyscallblock()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()
