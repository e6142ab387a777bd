package bench

import (
	"encoding/binary"
	"fmt"
	"time"

	"barreleye/devices/clock"

	"golang.org/x/sys/unix"
)

// threadWakes measures the least that Linux offers to wake a sleeper on another
// CPU: a pinned thread blocked in the read of an event descriptor, and another
// that writes to it, gap after the sleeper's last answer. It returns the ns from
// the write to the first instruction after the read.
func threadWakes(gap time.Duration, n int, khz uint64) ([]float64, error) {
	there, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("bench: event descriptor: %w: raise the limit on open files (ulimit -n)", err)
	}
	defer unix.Close(there)
	back, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("bench: event descriptor: %w: raise the limit on open files (ulimit -n)", err)
	}
	defer unix.Close(back)
	sent, woken := make([]uint64, n), make([]uint64, n)
	cycles := uint64(gap.Nanoseconds()) * khz / 1_000_000
	sleeper := pinned(1, func() {
		for i := range n {
			wait(there)
			woken[i] = clock.TSC()
			signal(back)
		}
	})
	waker := pinned(0, func() {
		for i := range n {
			for until := clock.TSC() + cycles; clock.TSC() < until; {
			}
			sent[i] = clock.TSC()
			signal(there)
			wait(back)
		}
	})
	for _, done := range []<-chan error{waker, sleeper} {
		if err := <-done; err != nil {
			return nil, err // the other one, if it waits, ends with the command
		}
	}
	samples := make([]float64, n)
	for i := range n {
		samples[i] = float64(woken[i]-sent[i]) * 1e6 / float64(khz)
	}
	return samples, nil
}

// signal adds one to an event descriptor, wait takes what was added. Neither
// can fail but for a signal of the Go runtime, after which it is repeated.
func signal(fd int) {
	b := binary.NativeEndian.AppendUint64(nil, 1)
	for {
		if _, err := unix.Write(fd, b); err != unix.EINTR {
			return
		}
	}
}

func wait(fd int) {
	var b [8]byte
	for {
		if _, err := unix.Read(fd, b[:]); err != unix.EINTR {
			return
		}
	}
}
