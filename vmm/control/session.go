package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"time"
)

// session is one client's connection at the server.
type session struct {
	conn     *net.UnixConn
	handle   Handler
	received *receiver
	in       *bufio.Reader // its size is the longest request's
}

func newSession(conn *net.UnixConn, handle Handler) *session {
	r := &receiver{conn: conn}
	return &session{conn, handle, r, bufio.NewReaderSize(r, MaxRequest)}
}

// serve answers one request after the other until the client has no more.
func (s *session) serve(ctx context.Context) {
	defer s.conn.Close()
	defer s.received.close()
	if s.greet() != nil {
		return
	}
	for ctx.Err() == nil {
		line, err := s.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) || errors.Is(err, errFiles) {
			// where the next request begins is not known any more
			_ = s.send(answer{Error: Usage("control: a request of more than %d bytes or %d descriptors: send less", MaxRequest, MaxFiles)})
			return
		}
		if err != nil || ctx.Err() != nil || !s.serveOne(ctx, line) {
			return
		}
	}
}

// greet says what is spoken here.
func (s *session) greet() error { return s.send(hello{protocol, Version}) }

// serveOne answers a request, and says whether there may be another.
func (s *session) serveOne(ctx context.Context, line []byte) bool {
	parsed, err := parseRequest(line)
	if err != nil {
		return s.send(answer{Error: asError(err)}) == nil && len(s.received.files) == 0
	}
	files, ok := s.received.take(parsed.Files)
	if !ok {
		_ = s.send(answer{Error: Usage("%s: fewer than %d descriptors came: send them with the request's first byte", shown(parsed.Do), parsed.Files)})
		return false
	}
	defer closeAll(files)
	// a copy: the line is the reader's, which a stream goes on with
	q := &Request{Do: parsed.Do, Args: append([]byte(nil), parsed.Args...), Files: files}
	result, err := s.handle(ctx, q)
	if err != nil {
		return s.send(answer{Error: asError(err)}) == nil
	}
	stream, streams := result.(Stream)
	if streams {
		result = stream.Answer
	}
	ok1, err := json.Marshal(result)
	if err != nil || len(ok1) > MaxAnswer-100 {
		return s.send(answer{Error: Refuse(KindRefused, "%s: an answer that cannot be sent: report it", shown(q.Do))}) == nil
	}
	if s.send(answer{OK: ok1, Stream: streams}) != nil {
		if !streams {
			return false
		}
		s.conn.Close() // which tells the stream: it may have to give something back
	}
	if streams {
		stream.Serve(ctx, &streamConn{s.conn, s.in})
	}
	return !streams
}

// send writes a line. A client that does not read it is given up.
func (s *session) send(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	s.conn.SetWriteDeadline(time.Now().Add(patience))
	defer s.conn.SetWriteDeadline(time.Time{})
	_, err = s.conn.Write(append(line, '\n'))
	return err
}

// end has no further request read, and bounds what is under way.
func (s *session) end(within time.Duration) {
	s.conn.SetReadDeadline(time.Now())
	s.conn.SetWriteDeadline(time.Now().Add(within))
}

// streamConn is a connection of which something was read ahead.
type streamConn struct {
	*net.UnixConn
	in *bufio.Reader
}

// Read is io.Reader's.
func (c *streamConn) Read(p []byte) (int, error) { return c.in.Read(p) }
