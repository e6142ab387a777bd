package main

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"barreleye/devices/inherit"
	"barreleye/guest"
)

// maxStuck is how many calls may wait for ever before there are no more.
const maxStuck = 40

var stuck atomic.Int32

// harmless are the calls that a process makes: those with which a core can harm nothing
// but itself, whatever their arguments and even where Linux did not hold it. A virtual
// machine makes all that there are: the CPU driver serves them.
var harmless = []uintptr{
	syscall.SYS_READ, syscall.SYS_POLL, syscall.SYS_LSEEK, syscall.SYS_MMAP, syscall.SYS_MPROTECT, syscall.SYS_MUNMAP,
	syscall.SYS_RT_SIGACTION, syscall.SYS_RT_SIGPROCMASK, syscall.SYS_IOCTL, syscall.SYS_PREAD64, syscall.SYS_READV, syscall.SYS_SCHED_YIELD,
	syscall.SYS_MINCORE, syscall.SYS_MADVISE, syscall.SYS_DUP, syscall.SYS_NANOSLEEP, syscall.SYS_GETPID, syscall.SYS_SOCKET, syscall.SYS_CLONE,
	syscall.SYS_EXECVE, syscall.SYS_UNAME, syscall.SYS_GETCWD, syscall.SYS_SIGALTSTACK, syscall.SYS_MOUNT, syscall.SYS_CHROOT,
	syscall.SYS_GETTID, syscall.SYS_FUTEX, syscall.SYS_SCHED_GETAFFINITY, syscall.SYS_EPOLL_CREATE1, syscall.SYS_EPOLL_CTL, syscall.SYS_EPOLL_PWAIT,
	syscall.SYS_CLOCK_GETTIME, syscall.SYS_EVENTFD2, syscall.SYS_PIPE2, syscall.SYS_PRLIMIT64, syscall.SYS_PTRACE, syscall.SYS_INIT_MODULE,
}

// call makes a system call, and leaves it behind where it takes long.
func call(rng *rand.Rand) error {
	if stuck.Load() >= maxStuck {
		return nil
	}
	number := uintptr(rng.IntN(470))
	if number == syscall.SYS_EXIT || number == syscall.SYS_EXIT_GROUP {
		return nil
	}
	if !inGuest() && !slices.Contains(harmless, number) {
		number = harmless[rng.IntN(len(harmless))]
	}
	var args [6]uintptr
	for i := range args {
		args[i] = uintptr(value(rng))
		if rng.IntN(3) == 0 {
			args[i] = uintptr(unsafe.Pointer(&scratch[rng.IntN(len(scratch))]))
		}
	}
	done := make(chan syscall.Errno, 1)
	stuck.Add(1)
	go func() {
		_, _, e := syscall.Syscall6(number, args[0], args[1], args[2], args[3], args[4], args[5])
		stuck.Add(-1)
		done <- e
	}()
	select {
	case e := <-done:
		if e != 0 {
			return e
		}
	case <-time.After(200 * time.Microsecond):
	}
	return nil
}

// ringProcess rings by the descriptors that a process has, as often as it likes.
func ringProcess(rng *rand.Rand) error {
	i := rng.IntN(guest.Cores() + 1)
	for w := range scratch[:8] {
		scratch[w] = byte(value(rng))
	}
	if i == guest.Core() {
		return nil // its own idle loop reads there
	}
	if err := syscall.SetNonblock(inherit.BellOf(i), true); err != nil {
		return err
	}
	_, err := syscall.Write(inherit.BellOf(i), scratch[:8])
	return err
}
