package peers

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cell is a message in shared memory and the word by which its reader is woken.
type cell struct {
	sent atomic.Uint32
	_    [15]uint32
	m    message
}

// futexCall is a call by shared memory whose reader sleeps on a futex: what two
// processes of Linux can do without a descriptor. As they would, it uses the form
// that is not private to a process.
func futexCall() (ends, func(), error) {
	mem, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return ends{}, nil, fmt.Errorf("shared memory: %w: free some memory", err)
	}
	cells := (*[2]cell)(unsafe.Pointer(&mem[0]))
	there, back := &cells[0], &cells[1]
	var at uint64
	return ends{
		near: func(n int) error {
			for range n {
				at++
				if err := there.send(at); err != nil {
					return err
				}
				if err := back.take(at); err != nil {
					return err
				}
			}
			return nil
		},
		far: func(total int) error {
			for i := range total {
				if err := there.take(uint64(i + 1)); err != nil {
					return err
				}
				if err := back.send(uint64(i + 1)); err != nil {
					return err
				}
			}
			return nil
		},
	}, func() { unix.Munmap(mem) }, nil
}

const futexWait, futexWake = 0, 1 // linux/futex.h

// send writes message n and wakes its reader.
func (c *cell) send(n uint64) error {
	c.m = message{0: n, 7: n}
	c.sent.Store(uint32(n))
	if _, _, e := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&c.sent)), futexWake, 1, 0, 0, 0); e != 0 {
		return fmt.Errorf("futex: %w", e)
	}
	return nil
}

// take sleeps until message n is there.
func (c *cell) take(n uint64) error {
	for c.sent.Load() != uint32(n) {
		_, _, e := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&c.sent)), futexWait, uintptr(uint32(n-1)), 0, 0, 0)
		if e != 0 && e != unix.EAGAIN && e != unix.EINTR {
			return fmt.Errorf("futex: %w", e)
		}
	}
	return c.m.check(n)
}
