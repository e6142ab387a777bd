package hosted

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// inlet is the pipe that is a process's standard input.
type inlet struct {
	read  int      // until the process has its own, then -1
	write *os.File // this side's
	once  sync.Once
	over  chan struct{} // closed with write
}

func newInlet() (*inlet, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("hosted: pipe: %w: raise the limit on open files (ulimit -n)", err)
	}
	// so that closing it ends a write; the process's end stays as programs know it
	if err := unix.SetNonblock(fds[1], true); err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return nil, fmt.Errorf("hosted: pipe: %w: report it", err)
	}
	return &inlet{read: fds[0], write: os.NewFile(uintptr(fds[1]), "standard input"), over: make(chan struct{})}, nil
}

// openInput returns the descriptor that becomes the process's standard input;
// the caller closes it.
func (p *Process) openInput() (int, error) {
	if p.input != nil {
		fd := p.input.read
		p.input.read = -1
		return fd, nil
	}
	fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("core %d: %s: %w: mount /dev", p.cfg.Core, os.DevNull, err)
	}
	return fd, nil
}

func (i *inlet) end() {
	i.once.Do(func() {
		close(i.over)
		i.write.Close()
	})
}

func (i *inlet) close() {
	i.end()
	if i.read >= 0 {
		unix.Close(i.read)
		i.read = -1
	}
}

// Feed copies source to the process's standard input, but for nothing before
// the program first waits for some. It returns at the end of either or after
// EndInput, which a read of the source may outlast.
func (p *Process) Feed(source io.Reader) error {
	in := p.input
	defer in.end()
	for pause := time.Millisecond; !p.awaitsInput(); pause = min(2*pause, 50*time.Millisecond) {
		select {
		case <-in.over:
			return nil
		case <-time.After(pause):
		}
	}
	_, err := io.Copy(in.write, source)
	select {
	case <-in.over:
		return nil
	default:
	}
	if errors.Is(err, unix.EPIPE) {
		return nil // the program closed its end, or ended
	}
	return err
}

// HasInput reports whether it has a standard input to Feed.
func (p *Process) HasInput() bool { return p.input != nil }

// EndInput makes Feed return.
func (p *Process) EndInput() { p.input.end() }

// awaitsInput reports whether a thread of the process is blocked reading
// standard input. Where Linux does not tell, it may be.
func (p *Process) awaitsInput() bool {
	pid := p.PID()
	if pid == 0 {
		return false
	}
	list := threads(pid)
	for _, t := range list {
		c, ok, err := blockedIn(t)
		if os.IsPermission(err) || ok && c.number == unix.SYS_READ && c.args[0] == 0 {
			return true
		}
	}
	if len(list) == 0 { // a kernel without such files, or the process ended
		_, err := os.Stat(fmt.Sprintf("/proc/%d/task", pid))
		return err == nil && p.PID() == pid
	}
	return false
}
