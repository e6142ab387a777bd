// Package observe makes what happens inside cores visible: it drains what they
// write into a run's folder, and shows it again. docs/reference/logs.md describes the
// files.
package observe

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"barreleye/devices/clock"
	"barreleye/devices/logring"
)

// Logs collects what all cores of one run write: one file per core with its
// text, and LogFile with the entries of all cores, those that were drained
// together by time. Follow shows that file on the terminal, so a stopped terminal
// holds up nobody. All methods but Follow belong to one goroutine.
type Logs struct {
	dir     string
	file    *os.File
	cores   []*coreLog // by core; those that never lived have no file
	pending []*pending // of all cores
	clock   *clock.Page
	now     time.Time    // of the drain under way
	params  clock.Params // at that time
	stamper stamper
	json    []byte // entries not yet written to file

	mu   sync.Mutex
	grew *sync.Cond // file grew, or done was set
	size int64      // bytes in file
	done bool
	err  error // first failure to write a file
}

// LogFile is the name of the file with the entries of all cores.
const LogFile = "log.jsonl"

// CoreFile returns the name of the file with a core's text.
func CoreFile(core int) string { return fmt.Sprintf("core-%d.log", core) }

// Config says what to log and where to.
type Config struct {
	Dir     string      // existing folder of the run
	Sources []Source    // what each core writes
	Clock   *clock.Page // turns records' TSC into time; nil for the time they are drained at
}

// NewLogs creates the log files.
func NewLogs(c Config) (*Logs, error) {
	l := &Logs{dir: c.Dir, clock: c.Clock}
	l.grew = sync.NewCond(&l.mu)
	var err error
	if l.file, err = create(c.Dir, LogFile); err != nil {
		return nil, err
	}
	for core, source := range c.Sources {
		if err := l.Begin(core, 1, source); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

// Begin goes on with a life of a core: its first, or one after another that has
// ended.
func (l *Logs) Begin(core int, life uint64, source Source) error {
	for len(l.cores) <= core {
		log := &coreLog{core: len(l.cores)}
		l.cores, l.pending = append(l.cores, log), append(l.pending, &log.pending)
	}
	c := l.cores[core]
	if c.file == nil {
		f, err := create(l.dir, CoreFile(core))
		if err != nil {
			return err
		}
		c.file = f
	}
	c.life, c.source = life, source
	return nil
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

// Drain takes what the sources have and returns how much it was, in bytes.
func (l *Logs) Drain() (bytes int) {
	l.readClock()
	for _, c := range l.cores {
		n, _ := l.drainCore(c)
		bytes += n
		if c.trace != nil && c.trace.over(l.now) {
			l.closeTrace(c, false)
		}
	}
	l.flush()
	return bytes
}

// turn is how much of one core is drained before the next has its turn, in
// bytes of text: a core that never stops printing must not starve the others.
const turn = 4 * logring.Size

// drainCore gives one core its turn, and returns how much it had and whether
// there may be more.
func (l *Logs) drainCore(c *coreLog) (bytes int, more bool) {
	for bytes < turn && c.source != nil {
		rec, ok, err := c.source.Next()
		if err != nil {
			l.line(c, logring.Driver, 0, fmt.Appendf(nil, "vmm: %v: some lines of this core are lost", err))
			return bytes, true
		}
		if !ok {
			return bytes, false
		}
		bytes += len(rec.Text)
		l.take(c, rec)
		// give space back early: a long burst must not block its writer
		c.source.Release()
	}
	return bytes, c.source != nil
}

// End is called when a life of the core has ended and writes no more: it
// drains what is left and ends what is unfinished.
func (l *Logs) End(core int) {
	l.readClock()
	c := l.cores[core]
	for more := true; more; {
		_, more = l.drainCore(c)
		l.flush()
	}
	for stream, text := range c.partial {
		if len(text) > 0 {
			l.line(c, byte(stream), 0, text)
			c.partial[stream] = nil
		}
	}
	if c.trace != nil {
		l.closeTrace(c, true)
	}
	l.flush()
	c.source = nil
}

// Say adds a line of the VMM itself.
func (l *Logs) Say(format string, args ...any) { l.say(&levelInfo, format, args...) }

// Alarm adds a line of the VMM about something that went wrong.
func (l *Logs) Alarm(format string, args ...any) { l.say(&levelError, format, args...) }

var levelInfo, levelError = slog.LevelInfo, slog.LevelError

func (l *Logs) say(level *slog.Level, format string, args ...any) {
	l.readClock()
	e := Entry{Stamp: l.stamp(0), Core: NoCore, Stream: VMM, Level: level, Msg: fmt.Appendf(nil, format, args...)}
	l.json = e.AppendJSON(l.json)
	l.flush()
}

// readClock makes ready to turn the TSC into time.
func (l *Logs) readClock() {
	l.now = time.Now()
	if l.clock != nil {
		l.params = l.clock.Read()
	}
}

// stamp returns the time of a record; tsc 0 stands for now. A guest may have
// written the TSC: no time lies ahead.
func (l *Logs) stamp(tsc uint64) []byte {
	if tsc == 0 || l.params.Mult == 0 {
		return l.stamper.format(l.now)
	}
	ns := int64(l.params.Monotonic(tsc) + l.params.Wall)
	if ns < 0 || ns > l.now.UnixNano() {
		l.now = time.Now() // it may have been written during the drain
		if ns < 0 || ns > l.now.UnixNano() {
			return l.stamper.format(l.now)
		}
	}
	return l.stamper.format(time.Unix(0, ns))
}

// flush writes what was gathered to the files.
func (l *Logs) flush() {
	var failed error
	for _, c := range l.cores {
		if len(c.text) > 0 {
			if _, err := c.file.Write(c.text); err != nil && failed == nil {
				failed = err
			}
			c.text = c.text[:0]
		}
	}
	l.json = merge(l.json, l.pending)
	if len(l.json) == 0 && failed == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.file.WriteAt(l.json, l.size)
	l.json = l.json[:0]
	if err == nil {
		l.size += int64(n)
		err = failed
	}
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("log: %w: free some space in the run's folder", err)
	}
	l.grew.Broadcast()
}

// Finish drains what is left, ends unfinished lines, and lets Follow return
// once it caught up. No core may run any more.
func (l *Logs) Finish() error {
	for i := range l.cores {
		l.End(i)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = true
	l.grew.Broadcast()
	return l.err
}

// Close closes the files.
func (l *Logs) Close() error {
	err := l.file.Close()
	for _, c := range l.cores {
		if c.file != nil {
			err = errors.Join(err, c.file.Close())
		}
	}
	return err
}
