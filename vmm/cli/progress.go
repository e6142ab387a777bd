package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// progress is a line on the terminal about a step that takes long: what it is
// and for how long it has been going on. It appears after a second and is
// erased in the end. Nothing is shown where stderr is no terminal.
type progress struct {
	out  io.Writer
	term *os.File // nil where nothing is shown

	mu    sync.Mutex
	what  string
	since time.Time
	shown bool // the line is on the terminal
	ended bool
	timer *time.Timer
}

const (
	showAfter  = time.Second
	showEvery  = time.Second
	eraseLine  = "\r\x1b[K"
	leastWidth = 20 // columns below which nothing fits
)

// progress begins a step, which end ends. What else is to appear on stderr
// meanwhile has to be written to the progress itself.
func (h *Host) progress(format string, args ...any) *progress {
	p := &progress{out: h.Stderr, what: fmt.Sprintf(format, args...), since: time.Now()}
	if f, ok := h.terminal(h.Stderr); ok {
		p.term = f
		p.timer = time.AfterFunc(showAfter, p.tick)
	}
	return p
}

// say changes what the line tells about the step.
func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = fmt.Sprintf(format, args...)
	if p.shown {
		p.show()
	}
}

// end erases the line for good. It may be called more than once.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.ended = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

// Write writes to stderr, where the line makes room for it.
func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	return p.out.Write(b)
}

func (p *progress) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.show()
		p.timer.Reset(showEvery)
	}
}

// show draws the line, no longer than the terminal is wide: a line that wraps
// could not be erased.
func (p *progress) show() {
	line := fmt.Sprintf("barreleye: %s: %d s", p.what, int(time.Since(p.since).Seconds()))
	if size, err := unix.IoctlGetWinsize(int(p.term.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 0 {
		if size.Col < leastWidth {
			return
		}
		line = line[:min(len(line), int(size.Col)-1)]
	}
	fmt.Fprint(p.out, eraseLine+line)
	p.shown = true
}

func (p *progress) erase() {
	if p.shown {
		fmt.Fprint(p.out, eraseLine)
		p.shown = false
	}
}
