package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// FuzzRequest: a line is a request or an error, and a request that is written again is
// the same one.
func FuzzRequest(f *testing.F) {
	for _, line := range []string{`{"do":"ps"}`, `{"do":"stop","args":{"core":1,"now":true}}`, `{"do":"update","args":{"core":1},"files":1}`, `{}`, `[1,2`, "\xff"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		q, err := parseRequest(line)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Kind != KindUsage || e.Message == "" {
				t.Fatalf("%v is no error of a request", err)
			}
			return
		}
		if q.Do == "" || q.Files < 0 || q.Files > MaxFiles {
			t.Fatalf("a request that is none: %+v", q)
		}
		again, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parseRequest(again)
		if err != nil || p.Do != q.Do || p.Files != q.Files {
			t.Fatalf("%s became %+v, %v", again, p, err)
		}
	})
}

// FuzzServer: whatever a client sends, in whichever pieces and with whichever
// descriptors, it gets lines of JSON for it, and the next client is served.
func FuzzServer(f *testing.F) {
	f.Add([]byte("{\"do\":\"ps\"}\n{\"do\":\"stream\"}\nraw"), uint8(3), uint8(0))
	f.Add([]byte("{\"do\":\"ps\",\"files\":2}\n"), uint8(200), uint8(2))
	f.Add([]byte("\n\n\x00{\n"), uint8(1), uint8(9))
	dir, err := os.MkdirTemp("", "barreleye-control-")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	s, err := Listen(dir)
	if err != nil {
		f.Fatal(err)
	}
	s.Serve(func(ctx context.Context, q *Request) (any, error) {
		if q.Do == "stream" {
			return Stream{Serve: func(_ context.Context, conn net.Conn) { io.Copy(io.Discard, conn) }}, nil
		}
		return len(q.Files), nil
	})
	f.Cleanup(func() { s.Close(hang) })
	null, err := os.Open(os.DevNull)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sent []byte, piece, descriptors uint8) {
		conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(dir, Socket), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(hang))
		go func() {
			defer conn.CloseWrite()
			files := make([]*os.File, descriptors)
			for i := range files {
				files[i] = null
			}
			for rest := sent; len(rest) > 0; {
				n := min(len(rest), int(piece)+1)
				if send(conn, rest[:n], files) != nil {
					return // it hung up, or there are more descriptors than Linux takes at once
				}
				rest, files = rest[n:], nil
			}
		}()
		got, err := io.ReadAll(conn)
		if err != nil && !errors.Is(err, unix.ECONNRESET) {
			t.Fatalf("%v after %q", err, got)
		}
		for line := range bytes.Lines(got) {
			if !json.Valid(line) {
				t.Fatalf("%q is no line of JSON", line)
			}
		}
		c, err := Dial(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Do("ps", nil, nil); err != nil {
			t.Fatal(err)
		}
	})
}
