package hosted

import (
	"fmt"

	"barreleye/devices/clock"
	"barreleye/devices/logring"

	"golang.org/x/sys/unix"
)

// Output is what one process writes, as a source of log records. A process
// that finds its pipe full waits until it is drained, as one that finds a log
// ring full does. Order is kept within stdout and within stderr; between the
// two it is that of the draining.
type Output struct {
	stdout, stderr pipe
	buf            [logring.MaxText]byte
	next           int // which of the two has its turn
}

// pipe is one of the two, seen from here.
type pipe struct {
	read   int
	write  int // until the process has its own, then -1
	stream byte
}

// pipeSize is how much a process may write ahead, in bytes, where the system
// allows as much.
const pipeSize = 1 << 20

func newOutput() (*Output, error) {
	o := &Output{stdout: pipe{read: -1, write: -1, stream: logring.Stdout}, stderr: pipe{read: -1, write: -1, stream: logring.Stderr}}
	for _, p := range []*pipe{&o.stdout, &o.stderr} {
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			o.close()
			return nil, fmt.Errorf("hosted: pipe: %w: raise the limit on open files (ulimit -n)", err)
		}
		p.read, p.write = fds[0], fds[1]
		_, _ = unix.FcntlInt(uintptr(p.read), unix.F_SETPIPE_SZ, pipeSize) // a smaller one serves too
		if err := unix.SetNonblock(p.read, true); err != nil {
			o.close()
			return nil, fmt.Errorf("hosted: pipe: %w: report it", err)
		}
	}
	return o, nil
}

// started closes the writing ends here, so that the process's are the last.
func (o *Output) started() {
	for _, p := range []*pipe{&o.stdout, &o.stderr} {
		unix.Close(p.write)
		p.write = -1
	}
}

// Next is observe.Source.Next.
func (o *Output) Next() (logring.Record, bool, error) {
	for range 2 {
		p := &o.stdout
		if o.next%2 == 1 {
			p = &o.stderr
		}
		n, err := unix.Read(p.read, o.buf[:])
		if err == unix.EINTR {
			continue
		}
		if n > 0 {
			return logring.Record{Stream: p.stream, TSC: clock.TSC(), Text: o.buf[:n]}, true, nil
		}
		o.next++ // empty, or at its end
	}
	return logring.Record{}, false, nil
}

// Release is observe.Source.Release: reading has made room already.
func (o *Output) Release() {}

func (o *Output) close() {
	for _, p := range []*pipe{&o.stdout, &o.stderr} {
		for _, fd := range []int{p.read, p.write} {
			if fd >= 0 {
				unix.Close(fd)
			}
		}
	}
}
