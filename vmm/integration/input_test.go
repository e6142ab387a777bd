package integration

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// wantInput wants core 0 to have read all of text, and core 1 nothing.
func (o *outcome) wantInput(text []byte) {
	o.t.Helper()
	o.wantLine(0, fmt.Sprintf("stdin: core 0 read %d lines, %d bytes, sum %x\n", bytes.Count(text, []byte("\n")), len(text), sha256.Sum256(text)))
	if len(o.Cores) > 1 {
		o.wantLine(1, fmt.Sprintf("stdin: core 1 read 0 lines, 0 bytes, sum %x\n", sha256.Sum256(nil)))
	}
}

func TestInputArrivesWhole(t *testing.T) {
	var text bytes.Buffer
	for i := 0; text.Len() < scaled(10<<20, 1<<20); i++ {
		fmt.Fprintf(&text, "%d %s\n", i, strings.Repeat("x", i%97))
	}
	for name, source := range map[string]func() io.Reader{
		"from a pipe": func() io.Reader {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				defer w.Close()
				w.Write(text.Bytes())
			}()
			t.Cleanup(func() { r.Close() })
			return r
		},
		"from a reader": func() io.Reader { return bytes.NewReader(text.Bytes()) },
	} {
		t.Run(name, func(t *testing.T) {
			opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "stdin")
			opt.Stdin = source()
			o := run(t, opt)
			o.wantOK()
			o.wantInput(text.Bytes())
		})
	}
}

func TestInputEnds(t *testing.T) {
	closed, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, c := range map[string]struct {
		source io.Reader
		want   string
	}{
		"none":          {nil, ""},
		"empty":         {strings.NewReader(""), ""},
		"closed":        {closed, ""},
		"fails at last": {io.MultiReader(strings.NewReader("one\n"), closed), "one\n"},
		"two lines":     {strings.NewReader("a\nb\n"), "a\nb\n"},
	} {
		t.Run(name, func(t *testing.T) {
			opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "stdin")
			opt.Stdin = c.source
			o := run(t, opt)
			o.wantOK()
			o.wantInput([]byte(c.want))
		})
	}
}

// counted is a source that knows how often it was read.
type counted struct {
	mu    sync.Mutex
	reads int
	io.Reader
}

func (c *counted) Read(p []byte) (int, error) {
	c.mu.Lock()
	c.reads++
	c.mu.Unlock()
	return c.Reader.Read(p)
}

// TestInputIsLeftToOthers: what no program reads is not read.
func TestInputIsLeftToOthers(t *testing.T) {
	source := &counted{Reader: strings.NewReader("for somebody else\n")}
	opt := options(t, load(t, "hello", image.LoadOptions{}), 2)
	opt.Stdin = source
	run(t, opt).wantOK()
	if source.reads != 0 {
		t.Errorf("standard input was read %d times for a program that does not", source.reads)
	}
}

// TestWaitingForInputIsNoDeadlock: a core that waits for standard input waits
// for the outside, and so do those that wait for it. Bytes come at last.
func TestWaitingForInputIsNoDeadlock(t *testing.T) {
	r, w := io.Pipe()
	opt := options(t, load(t, "probe", image.LoadOptions{}), 1, "prompt")
	opt.Stdin = r
	written := make(chan error, 1)
	console := newWatcher([]string{"waiting for input"}, func() {
		time.AfterFunc(time.Second, func() { // three times what makes a deadlock
			_, err := io.WriteString(w, "here\n")
			w.Close()
			written <- err
		})
	})
	opt.Console = console
	o := run(t, opt)
	o.wantOK()
	o.wantInput([]byte("here\n"))
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// TestStopWhileInputIsAwaited: a stop needs no input to come.
func TestStopWhileInputIsAwaited(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	opt := options(t, load(t, "probe", image.LoadOptions{}), 1, "prompt")
	opt.Stdin = r
	kick := make(chan multikernel.Reason, 1)
	opt.Kick = kick
	opt.Console = newWatcher([]string{"waiting for input"}, func() { kick <- multikernel.Reason{Text: "test", Code: 130} })
	timer := time.AfterFunc(hang(), func() { kick <- multikernel.Reason{Text: "hung", Code: codeHung} })
	defer timer.Stop()
	if o := run(t, opt); o.ExitCode != 130 {
		t.Errorf("exit code %d, want 130", o.ExitCode)
	}
}
