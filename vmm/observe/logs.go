// Package observe makes what happens inside cores visible: it drains what they
// write into files and onto the terminal.
package observe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"barreleye/devices/logring"
)

// Logs collects the log lines of all cores of one run: one file per core, and
// one file with the lines of all cores prefixed by their core, in the order in
// which they were drained. A Follower copies that file to the terminal, so a
// stopped terminal holds up nobody.
type Logs struct {
	console *os.File
	cores   []*coreLog

	mu   sync.Mutex
	grew *sync.Cond // console grew, or done was set
	size int64      // bytes in console
	done bool
	err  error // first failure to write a file
}

// coreLog is the log of one core over all its lives.
type coreLog struct {
	core    int
	source  Source
	file    *os.File
	partial [logring.Driver + 1][]byte // by stream: text since the last newline
}

// ConsoleFile is the name of the file with the lines of all cores.
const ConsoleFile = "console.log"

// CoreFile returns the name of a core's log file.
func CoreFile(core int) string { return fmt.Sprintf("core-%d.log", core) }

// Config says what to log and where to.
type Config struct {
	Dir     string   // existing folder of the run
	Sources []Source // what each core writes
}

// NewLogs creates the log files.
func NewLogs(c Config) (*Logs, error) {
	l := &Logs{}
	l.grew = sync.NewCond(&l.mu)
	var err error
	if l.console, err = create(c.Dir, ConsoleFile); err != nil {
		return nil, err
	}
	for core, source := range c.Sources {
		f, err := create(c.Dir, CoreFile(core))
		if err != nil {
			l.closeFiles()
			return nil, err
		}
		l.cores = append(l.cores, &coreLog{core: core, source: source, file: f})
	}
	return l, nil
}

// Replace goes on with another source for a core: its next life. What is left
// of the last one is drained first. It belongs to the goroutine that drains.
func (l *Logs) Replace(core int, source Source) {
	var console bytes.Buffer
	c := l.cores[core]
	for l.drainCore(c, &console) {
	}
	l.endLines(c, &console)
	l.append(console.Bytes())
	c.source = source
}

// create makes one log file.
func create(dir, name string) (*os.File, error) {
	f, err := os.Create(filepath.Join(dir, name))
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return nil, fmt.Errorf("log: %w: raise the limit on open files (ulimit -n)", err)
	case err != nil:
		return nil, fmt.Errorf("log: %w: use --dir with a writable folder", err)
	}
	return f, nil
}

// Drain takes what the sources have and reports whether there was anything. One
// goroutine calls it.
func (l *Logs) Drain() bool {
	var console bytes.Buffer
	any := false
	for _, c := range l.cores {
		if l.drainCore(c, &console) {
			any = true
		}
	}
	l.append(console.Bytes())
	return any
}

// turn is how much of one core is drained before the next has its turn, in
// bytes of text: a core that never stops printing must not starve the others.
const turn = 4 * logring.Size

func (l *Logs) drainCore(c *coreLog, console *bytes.Buffer) (any bool) {
	for n := 0; n < turn; {
		rec, ok, err := c.source.Next()
		if err != nil {
			l.line(c, console, fmt.Appendf(nil, "vmm: %v: some lines of this core are lost\n", err))
			return true
		}
		if !ok {
			break
		}
		any = true
		n += len(rec.Text)
		partial := &c.partial[min(rec.Stream, logring.Driver)]
		*partial = append(*partial, rec.Text...)
		if i := bytes.LastIndexByte(*partial, '\n'); i >= 0 {
			l.line(c, console, (*partial)[:i+1])
			*partial = append((*partial)[:0], (*partial)[i+1:]...)
		}
		// give space back early: a long burst must not block its writer
		c.source.Release()
	}
	return any
}

// endLines ends lines that their writer left unfinished.
func (l *Logs) endLines(c *coreLog, console *bytes.Buffer) {
	for i, text := range c.partial {
		if len(text) > 0 {
			l.line(c, console, append(text, '\n'))
			c.partial[i] = nil
		}
	}
}

// line writes complete lines to the core's file and, prefixed, to console.
func (l *Logs) line(c *coreLog, console *bytes.Buffer, text []byte) {
	l.fail(write(c.file, text))
	for line := range bytes.Lines(text) {
		fmt.Fprintf(console, "[%d] %s", c.core, line)
	}
}

// Say adds a line of the VMM itself.
func (l *Logs) Say(format string, args ...any) {
	l.append(fmt.Appendf(nil, "[vmm] "+format+"\n", args...))
}

func (l *Logs) append(b []byte) {
	if len(b) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.console.WriteAt(b, l.size)
	l.size += int64(n)
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("log: %w: free some space in the run's folder", err)
	}
	l.grew.Broadcast()
}

func (l *Logs) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("log: %w: free some space in the run's folder", err)
	}
}

func write(w io.Writer, b []byte) error {
	_, err := w.Write(b)
	return err
}

// Finish drains what is left, ends unfinished lines, and lets Follow return
// once it caught up. No guest may run any more.
func (l *Logs) Finish() error {
	for l.Drain() {
	}
	var console bytes.Buffer
	for _, c := range l.cores {
		l.endLines(c, &console)
	}
	l.append(console.Bytes())
	l.mu.Lock()
	l.done = true
	err := l.err
	l.grew.Broadcast()
	l.mu.Unlock()
	return err
}

// Close closes the files.
func (l *Logs) Close() error { return l.closeFiles() }

func (l *Logs) closeFiles() error {
	err := l.console.Close()
	for _, c := range l.cores {
		err = errors.Join(err, c.file.Close())
	}
	return err
}

// Follow copies the console to w as it grows, until Finish was called and all
// of it is copied. A w that blocks holds up Follow alone.
func (l *Logs) Follow(w io.Writer) error {
	buf := make([]byte, 64<<10)
	for at := int64(0); ; {
		l.mu.Lock()
		for at == l.size && !l.done {
			l.grew.Wait()
		}
		size, done := l.size, l.done
		l.mu.Unlock()
		if at == size && done {
			return nil
		}
		for at < size {
			n, err := l.console.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
			if n == 0 && err != nil {
				return err
			}
			if err := write(w, buf[:n]); err != nil {
				return err
			}
			at += int64(n)
		}
	}
}
