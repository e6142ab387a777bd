package multikernel

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"barreleye/devices/input"

	"golang.org/x/sys/unix"
)

// stdin passes the run's standard input on to core 0 in a virtual machine, a
// piece for each that the core asks for. Nothing is read before (package input).
type stdin struct {
	source io.Reader // nil at its end
	buffer input.Buffer
	bell   *os.File             // the VMM's doorbell, which core 0 rings
	wake   func()               // rings core 0
	say    func(string, ...any) // into the log

	mu   sync.Mutex
	over bool // the shared region is about to go
}

func (g *guests) feed() (stop func(), err error) {
	r := g.r
	fd, err := unix.FcntlInt(uintptr(r.bell), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("run: standard input: %w: raise the limit on open files (ulimit -n)", err)
	}
	s := &stdin{
		source: r.opt.Stdin, buffer: r.view.Input(), bell: os.NewFile(uintptr(fd), "doorbell"),
		wake: func() { r.wake(0) },
		say:  func(format string, args ...any) { r.tell(func() { r.logs.Say(format, args...) }) },
	}
	go s.serve()
	return s.stop, nil
}

// serve answers core 0 whenever it rings, until the run is over.
func (s *stdin) serve() {
	piece := make([]byte, input.Size)
	var rung [8]byte
	for {
		if request := s.wanted(); request != 0 {
			s.put(request, piece[:s.read(piece)])
		}
		if _, err := s.bell.Read(rung[:]); err != nil {
			return // stopped
		}
	}
}

// wanted returns the request that waits, 0 for none.
func (s *stdin) wanted() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return 0
	}
	return s.buffer.Wanted()
}

// read returns the length of the next piece, 0 at the end.
func (s *stdin) read(piece []byte) int {
	for s.source != nil {
		n, err := s.source.Read(piece)
		if n > 0 {
			return n
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.say("standard input ends here: %v", err)
			}
			s.source = nil
		}
	}
	return 0
}

// put hands a piece over, unless the run is over.
func (s *stdin) put(request uint64, piece []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.buffer.Put(request, piece)
		s.wake()
	}
}

// stop keeps serve off the region from now on. A read of the source that is
// under way goes on; what it reads is lost.
func (s *stdin) stop() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.bell.Close()
}
