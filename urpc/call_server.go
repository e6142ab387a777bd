package urpc

import "context"

// CallServer is the answering end of a call line. One goroutine at a time.
type CallServer struct {
	callEnd
	_ [8]byte // layout_unsafe.go
}

// NewCallServer makes the answering end. line is written by both ends in turns,
// own by this end, peer by the client; all must be zero when an epoch begins. It
// fails with ErrLayout.
func NewCallServer(line *Line, own, peer *Control, link Link) (*CallServer, error) {
	e, err := newCallEnd(line, own, peer, false, link)
	if err != nil {
		return nil, err
	}
	return &CallServer{callEnd: e}, nil
}

// TryAccept takes the next request into m; Reply must follow. It returns ErrEmpty
// when there is none, ErrBusy if the last one was not answered, ErrClosed, and an
// error that wraps ErrCorrupt if the client wrote what it may not. It does not
// allocate.
func (s *CallServer) TryAccept(m *Message) error { return s.read(m) }

// Accept takes the next request: it polls, and then parks. Errors are those of
// TryAccept but ErrEmpty, and the context's.
func (s *CallServer) Accept(ctx context.Context, m *Message) error { return s.wait(ctx, m) }

// Reply answers the request taken last and wakes the client's core if it sleeps.
// It returns ErrBusy if no request awaits an answer, ErrMessage, or ErrClosed.
// It does not allocate.
func (s *CallServer) Reply(m *Message) error {
	if err := s.write(m); err != nil {
		return err
	}
	s.flush()
	return nil
}

// Close ends the client's calls with ErrClosed.
func (s *CallServer) Close() { s.close() }
