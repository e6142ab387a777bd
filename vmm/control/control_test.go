package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hang is how long anything may take before it counts as hung.
const hang = time.Minute

// serve starts a server in a new folder.
func serve(t *testing.T, handle Handler) (*Server, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(handle)
	t.Cleanup(func() { s.Close(hang) })
	return s, dir
}

func dial(t *testing.T, dir string) *Client {
	t.Helper()
	c, err := Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.conn.SetDeadline(time.Now().Add(hang))
	t.Cleanup(func() { c.Close() })
	return c
}

// echo answers with what it was asked, and what came along.
func echo(_ context.Context, q *Request) (any, error) {
	switch q.Do {
	case "refuse":
		return nil, errors.New("not now: come again")
	case "image":
		return nil, Refuse(KindImage, "no image: %w: give one", io.ErrUnexpectedEOF)
	case "unsendable":
		return func() {}, nil
	}
	var texts []string
	for _, f := range q.Files {
		b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<20))
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(b))
	}
	return map[string]any{"do": q.Do, "args": string(q.Args), "files": texts}, nil
}

type echoed struct {
	Do, Args string
	Files    []string
}

func TestRequests(t *testing.T) {
	_, dir := serve(t, echo)
	c := dial(t, dir)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("inside"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, want := range []echoed{{"one", "", nil}, {"two", `{"a":1}`, []string{"inside", "inside"}}, {"three", `"x"`, nil}} {
		var args any
		if want.Args != "" {
			args = json.RawMessage(want.Args)
		}
		files := []*os.File{f, f}[:len(want.Files)]
		var got echoed
		if err := c.Do(want.Do, args, &got, files...); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	for name, want := range map[string]Error{
		"refuse":     {Kind: KindRefused, Message: "not now: come again"},
		"image":      {Kind: KindImage, Message: "no image: unexpected EOF: give one"},
		"unsendable": {Kind: KindRefused, Message: "unsendable: an answer that cannot be sent: report it"},
	} {
		var got *Error
		if err := c.Do(name, nil, nil); !errors.As(err, &got) || *got != want {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if err := c.Do("big", strings.Repeat("x", MaxRequest), nil); err == nil {
		t.Error("a request that is too long was sent")
	}
}

// TestStream: after the answer both sides have the connection, with what was sent ahead.
func TestStream(t *testing.T) {
	over := make(chan error, 1)
	s, dir := serve(t, func(context.Context, *Request) (any, error) {
		return Stream{Answer: "go on", Serve: func(ctx context.Context, conn net.Conn) {
			fmt.Fprint(conn, "hi\n")
			_, err := io.Copy(conn, conn)
			over <- errors.Join(err, ctx.Err())
		}}, nil
	})
	c := dial(t, dir)
	var words string
	conn, err := c.Stream("stream", nil, &words)
	if err != nil || words != "go on" {
		t.Fatalf("%q, %v", words, err)
	}
	fmt.Fprint(conn, "and back")
	got := make([]byte, len("hi\nand back"))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hi\nand back" {
		t.Errorf("%q, %v", got, err)
	}
	conn.Close()
	if err := <-over; err != nil {
		t.Errorf("a client that hung up: %v", err)
	}

	// one that stays is let go at the end of the run
	if _, err = dial(t, dir).Stream("stream", nil, nil); err != nil {
		t.Fatal(err)
	}
	s.Close(hang)
	if err := <-over; !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, context.Canceled) {
		t.Errorf("at the end: %v", err)
	}
	if _, err := Dial(dir); !errors.Is(err, ErrNoSocket) {
		t.Errorf("after the end: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestClose: what was asked before the end is answered, and nothing after.
func TestClose(t *testing.T) {
	begun := make(chan bool, 1)
	s, dir := serve(t, func(ctx context.Context, _ *Request) (any, error) {
		begun <- true
		<-ctx.Done()
		return "the end", nil
	})
	idle, c := dial(t, dir), dial(t, dir)
	go func() {
		<-begun
		s.Close(hang)
	}()
	var got string
	if err := c.Do("wait", nil, &got); err != nil || got != "the end" {
		t.Errorf("%q, %v", got, err)
	}
	for _, c := range []*Client{idle, c} {
		var e *Error
		if err := c.Do("more", nil, nil); !errors.As(err, &e) || e.Kind != KindEnded {
			t.Errorf("after the end: %v", err)
		}
	}
}

// TestMode: nobody but the user may connect, whatever the umask.
func TestMode(t *testing.T) {
	_, dir := serve(t, echo)
	st, err := os.Stat(filepath.Join(dir, Socket))
	if err != nil || st.Mode() != os.ModeSocket|0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
}

// TestPlaces: a socket in a folder of any name, in place of one that was left.
func TestPlaces(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 60))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(dir); !errors.Is(err, ErrNoSocket) {
		t.Errorf("no socket: %v", err)
	}
	for range 2 { // the first is left behind, as by a run that was killed
		s, err := Listen(dir)
		if err != nil {
			t.Fatal(err)
		}
		s.Serve(echo)
		if err := dial(t, dir).Do("ps", nil, nil); err != nil {
			t.Error(err)
		}
		s.listener.Close()
		defer s.Close(hang)
		if _, err := Dial(dir); !errors.Is(err, ErrNoSocket) {
			t.Errorf("nobody listens: %v", err)
		}
	}
	if _, err := Listen(filepath.Join(dir, "none")); err == nil {
		t.Error("a socket in no folder")
	}
}

// TestVersion: a client of another version, and one of something else, says so.
func TestVersion(t *testing.T) {
	for line, want := range map[string]string{
		`{"barreleye":"control","version":2}`: "it speaks another version of the control protocol: 2, and this command 1",
		`HTTP/1.1 400 Bad Request`:            "it speaks another version of the control protocol, or something else",
	} {
		dir := t.TempDir()
		l, err := net.Listen("unix", filepath.Join(dir, Socket))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			if conn, err := l.Accept(); err == nil {
				fmt.Fprintln(conn, line)
			}
		}()
		if _, err := Dial(dir); !errors.Is(err, ErrVersion) || err.Error() != want {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// raw connects without a client's manners.
func raw(t testing.TB, dir string) *net.UnixConn {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(dir, Socket), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(hang))
	return conn
}

// TestGarbage: what is no request is answered by what is wrong with it, and where the
// next one may be found the session goes on.
func TestGarbage(t *testing.T) {
	_, dir := serve(t, echo)
	conn := raw(t, dir)
	defer conn.Close()
	sent := strings.Join([]string{
		"", "garbage", "[]", "{}", `{"do":"ps"} {"do":"ps"}`, `{"do":"ps","when":"now"}`, `{"do":"ps","files":-1}`,
		`{"do":"` + strings.Repeat("ps", 100) + `","files":5}`, `{"do":"` + "\x00\x01" + `"}`, `{"do":"ps"}`, strings.Repeat("y", MaxRequest+1),
	}, "\n")
	go io.WriteString(conn, sent)
	got, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, unix.ECONNRESET) { // with what it did not read
		t.Fatal(err)
	}
	want := `{"barreleye":"control","version":1}
{"error":{"kind":"usage","message":"no request: an empty line: send a line such as {\"do\":\"ps\"}"}}
{"error":{"kind":"usage","message":"no request: invalid character 'g' looking for beginning of value: send a line such as {\"do\":\"ps\"}"}}
{"error":{"kind":"usage","message":"no request: json: cannot unmarshal array into Go value of type control.request: send a line such as {\"do\":\"ps\"}"}}
{"error":{"kind":"usage","message":"no request: it has no name: send a line such as {\"do\":\"ps\"}"}}
{"error":{"kind":"usage","message":"no request: something follows it: send a line such as {\"do\":\"ps\"}"}}
{"error":{"kind":"usage","message":"no request: json: unknown field \"when\": send a line such as {\"do\":\"ps\"}"}}
{"error":{"kind":"usage","message":"ps: -1 descriptors: send at most 4"}}
{"error":{"kind":"usage","message":"\"pspspspspspspspspspspspspspspspspspspsps\"...: 5 descriptors: send at most 4"}}
{"error":{"kind":"usage","message":"no request: invalid character '\\x00' in string literal: send a line such as {\"do\":\"ps\"}"}}
{"ok":{"args":"","do":"ps","files":null}}
{"error":{"kind":"usage","message":"control: a request of more than 65536 bytes or 4 descriptors: send less"}}
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestDescriptors: those that nobody wants are closed, and so are too many.
func TestDescriptors(t *testing.T) {
	_, dir := serve(t, echo)
	before := openFiles(t)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, c := range []struct {
		line string
		n    int
		want string
	}{
		{`{"do":"ps"}`, 1, `{"ok":`}, // one more than it says
		{`{"do":"ps","files":2}`, 1, `fewer than 2 descriptors came`},
		{`{"do":"ps","files":4}`, 4, `{"ok":`},
		{`{"do":"ps","files":4}`, 5, `more than 65536 bytes or 4 descriptors`},
		{`{"do":"ps","files":1}`, 200, `more than 65536 bytes or 4 descriptors`},
		{`garbage`, 3, `no request`},
	} {
		conn := raw(t, dir)
		var list []*os.File
		for range c.n {
			list = append(list, null)
		}
		if err := send(conn, []byte(c.line+"\n"), list); err != nil {
			t.Fatal(err)
		}
		conn.CloseWrite()
		got, err := io.ReadAll(conn)
		if err != nil || !strings.Contains(string(got), c.want) {
			t.Errorf("%s with %d: %v\n%s", c.line, c.n, err, got)
		}
		conn.Close()
	}
	for deadline := time.Now().Add(hang); openFiles(t) > before+1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d files are open, %d were", openFiles(t), before)
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestCrowd: more clients than there may be are told so, and when one leaves another may
// come.
func TestCrowd(t *testing.T) {
	_, dir := serve(t, echo)
	var all []*Client
	for range MaxClients {
		all = append(all, dial(t, dir))
	}
	for _, c := range all {
		if err := c.Do("ps", nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	var e *Error
	if err := dial(t, dir).Do("ps", nil, nil); !errors.As(err, &e) || e.Kind != KindRefused || !strings.Contains(e.Message, "64 clients") {
		t.Errorf("one too many: %v", err)
	}
	all[0].Close()
	for deadline := time.Now().Add(hang); ; time.Sleep(time.Millisecond) {
		if dial(t, dir).Do("ps", nil, nil) == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no room after a client has left")
		}
	}
}

// TestArguments: of a request those are taken that there are.
func TestArguments(t *testing.T) {
	var into struct {
		Core int `json:"core"`
	}
	for args, want := range map[string]string{
		``: "", `{}`: "", `{"core":3}`: "",
		`{"core":3,"life":1}`: `stop: arguments: json: unknown field "life": docs/reference/control.md lists them`,
		`{"core":3} 1`:        `stop: arguments: something follows it: docs/reference/control.md lists them`,
		`3`:                   `stop: arguments: json: cannot unmarshal number into Go value of type struct { Core int "json:\"core\"" }: docs/reference/control.md lists them`,
	} {
		err := (&Request{Do: "stop", Args: []byte(args)}).Arguments(&into)
		if got := fmt.Sprint(err); want != "" && got != want || want == "" && err != nil {
			t.Errorf("%s: %s, want %s", args, got, want)
		}
	}
}
