package control

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Handler answers a request, with a value that is sent as JSON or with a Stream. ctx is
// done when the run is over. Requests of different clients come at the same time.
type Handler func(ctx context.Context, q *Request) (any, error)

// Stream is an answer after which the connection is the request's own.
type Stream struct {
	Answer any // sent first

	// Serve has the connection until it returns. Once ctx is done, reads fail. It is
	// called too where the client has gone before the answer.
	Serve func(ctx context.Context, conn net.Conn)
}

// Server answers clients of one run.
type Server struct {
	folder   *os.File
	listener *net.UnixListener
	ctx      context.Context
	cancel   context.CancelFunc
	sessions sync.WaitGroup
	closed   sync.Once

	mu   sync.Mutex
	open map[*session]bool
	over bool
}

// Listen makes the socket in a run's folder, in place of one that an earlier run left.
func Listen(dir string) (*Server, error) {
	f, err := folder(dir)
	if err != nil {
		return nil, fmt.Errorf("run: control socket: %w: the run takes no commands; use --dir with a folder that can be read", err)
	}
	l, err := listen(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("run: control socket in %s: %w: the run takes no commands; use --dir with a folder on a file system that has sockets", dir, err)
	}
	s := &Server{folder: f, listener: l, open: map[*session]bool{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

func listen(folder *os.File) (*net.UnixListener, error) {
	if err := remove(folder); err != nil {
		return nil, err
	}
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var mode error
		err := c.Control(func(fd uintptr) { mode = unix.Fchmod(int(fd), 0o600) }) // bind gives it to the file: nobody else ever may
		if err == nil {
			err = mode
		}
		return err
	}}
	l, err := config.Listen(context.Background(), "unix", address(folder))
	if err != nil {
		return nil, err
	}
	unixListener := l.(*net.UnixListener)
	unixListener.SetUnlinkOnClose(false) // the path is not good for long
	return unixListener, nil
}

// Serve answers by handle from now on, until Close. It returns at once.
func (s *Server) Serve(handle Handler) {
	go func() {
		for {
			conn, err := s.listener.AcceptUnix()
			if err != nil {
				if s.ctx.Err() != nil {
					return
				}
				time.Sleep(50 * time.Millisecond) // no descriptor is free: others may end
				continue
			}
			s.admit(conn, handle)
		}
	}()
}

// admit begins a session with a client.
func (s *Server) admit(conn *net.UnixConn, handle Handler) {
	one := newSession(conn, handle)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || len(s.open) >= MaxClients {
		conn.SetWriteDeadline(time.Now()) // what fits its buffer
		_ = one.greet()
		_ = one.send(answer{Error: Refuse(KindRefused, "control: %d clients are connected: end one of them", len(s.open))})
		conn.Close()
		return
	}
	s.open[one] = true
	s.sessions.Go(func() {
		one.serve(s.ctx)
		s.mu.Lock()
		delete(s.open, one)
		s.mu.Unlock()
	})
}

// Close ends the sessions once what was asked is answered, removes the socket, and
// returns at the latest after the given time. It may be called again.
func (s *Server) Close(within time.Duration) { s.closed.Do(func() { s.close(within) }) }

func (s *Server) close(within time.Duration) {
	s.mu.Lock()
	s.over = true
	s.cancel()
	s.listener.Close()
	for one := range s.open {
		one.end(within)
	}
	s.mu.Unlock()
	_ = remove(s.folder) // who connects finds nobody
	done := make(chan struct{})
	go func() {
		s.sessions.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(within):
		s.mu.Lock()
		for one := range s.open {
			one.conn.Close()
		}
		s.mu.Unlock()
	}
	s.folder.Close()
}
