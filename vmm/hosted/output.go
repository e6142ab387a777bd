package hosted

import (
	"fmt"

	"barreleye/devices/clock"
	"barreleye/devices/logring"

	"golang.org/x/sys/unix"
)

// Output is what one process writes, as a source of log records. stdout and
// stderr are one pipe: two would lose the order between their lines, one does
// not tell them apart. A process that finds the pipe full waits until it is
// drained, as one that finds a log ring full does.
type Output struct {
	read  int
	write int // until the process has its own, then -1
	buf   [logring.MaxText]byte
}

// pipeSize is how much a process may write ahead, in bytes, where the system
// allows as much.
const pipeSize = 1 << 20

func newOutput() (*Output, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("hosted: pipe: %w: raise the limit on open files (ulimit -n)", err)
	}
	o := &Output{read: fds[0], write: fds[1]}
	_, _ = unix.FcntlInt(uintptr(o.read), unix.F_SETPIPE_SZ, pipeSize) // a smaller one serves too
	// Of this end alone: the process's writes wait.
	if err := unix.SetNonblock(o.read, true); err != nil {
		o.close()
		return nil, fmt.Errorf("hosted: pipe: %w: report it", err)
	}
	return o, nil
}

// started closes the writing end here, so that the process's is the last.
func (o *Output) started() {
	unix.Close(o.write)
	o.write = -1
}

// Next is observe.Source.Next.
func (o *Output) Next() (logring.Record, bool, error) {
	n, err := unix.Read(o.read, o.buf[:])
	for err == unix.EINTR {
		n, err = unix.Read(o.read, o.buf[:])
	}
	if n <= 0 {
		return logring.Record{}, false, nil // empty, or at its end
	}
	return logring.Record{Stream: logring.Merged, TSC: clock.TSC(), Text: o.buf[:n]}, true, nil
}

// Release is observe.Source.Release: reading has made room already.
func (o *Output) Release() {}

func (o *Output) close() {
	unix.Close(o.read)
	if o.write >= 0 {
		unix.Close(o.write)
	}
}
