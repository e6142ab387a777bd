package observe

import (
	"bytes"
	"regexp"
	"strings"
	"time"
)

// trace gathers what the Go runtime writes to stderr when a program panics or
// is told to show its goroutines, so that it becomes one entry. Text that only
// looks like the start of one is given back as the lines it was.
type trace struct {
	stamp     []byte // time of the first line
	stream    string
	text      []byte
	held      []byte // entries of the core that came in meanwhile
	inOrder   []byte // while not confirmed: the lines as entries of their own, and what is held
	confirmed bool   // a goroutine's stack was seen
	opened    time.Time
	last      time.Time // when the last line came
	looks     int       // for more of it since then
}

// Limits of a trace. It stays open while lines of it keep coming, on a host that gives
// the core a CPU now and then only; most cores end by it, which closes it at once. One that
// has no stack yet may be something else, so it is not waited for as long. Where nobody
// looked for more, none could come.
const (
	traceIdle      = 5 * time.Second
	traceDoubt     = 2 * time.Second // without a stack, from the first line on
	traceLooks     = 15
	traceDoubtSize = 64 << 10 // without a stack, in bytes
	traceSize      = 4 << 20  // at most, in bytes
	traceHeld      = 1 << 20  // entries held meanwhile, in bytes
)

var (
	traceStart = regexp.MustCompile(`^(panic: |fatal error: |runtime: |unexpected fault address |SIG[A-Z0-9]+: )`)
	traceStack = regexp.MustCompile(`^(goroutine \d+ .*\[.*\]:|runtime stack:)$`)
	// what comes between and below the stacks: frames, places, registers, words of the stack
	traceMore = regexp.MustCompile(`^($|\t|goroutine |created by |\[(signal|originating|recovered)|\.\.\.|PC=|-----|stack: |runtime|0x|[cfg]s +0x|r[a-z0-9]+ +0x|instruction bytes|` +
		`panic during|panic: |fatal error: |SIG[A-Z0-9]+: |\S.*\)$)`)
)

// opensTrace reports whether a line of stderr may be the start of a trace.
func opensTrace(line []byte) bool {
	// the expression is dear, and nearly every line is none
	return len(line) > 0 && strings.IndexByte("pfruS", line[0]) >= 0 && traceStart.Match(line)
}

// add takes the next line of stderr, or reports that it is none of the trace's.
func (t *trace) add(e *Entry, now time.Time) bool {
	line := e.Msg
	switch {
	case traceStack.Match(line):
		t.confirmed = true
	case t.confirmed && !traceMore.Match(line):
		return false
	case !t.confirmed && len(t.text) > traceDoubtSize, len(t.text) > traceSize:
		return false
	}
	t.text = append(append(t.text, line...), '\n')
	t.last, t.looks = now, 0
	if t.confirmed {
		t.inOrder = nil
	} else {
		t.inOrder = e.AppendJSON(t.inOrder)
	}
	return true
}

// hold keeps another entry of the core until the trace is over, and reports
// whether there is room for more.
func (t *trace) hold(e *Entry) bool {
	if !t.confirmed {
		t.inOrder = e.AppendJSON(t.inOrder)
	}
	t.held = e.AppendJSON(t.held)
	return len(t.held) < traceHeld
}

// over reports whether no more is to be expected.
func (t *trace) over(now time.Time) bool {
	t.looks++
	return t.looks >= traceLooks && (now.Sub(t.last) > traceIdle || !t.confirmed && now.Sub(t.opened) > traceDoubt)
}

// fatal reports whether a program that wrote this and ended did end by it.
func (t *trace) fatal() bool {
	return t.confirmed || bytes.HasPrefix(t.text, []byte("panic: ")) || bytes.HasPrefix(t.text, []byte("fatal error: "))
}
