package timeline

import (
	"bufio"
	"encoding/json"
	"strconv"
)

// writer writes Chrome's trace event format. An error of the file stays in out.
type writer struct {
	out   *bufio.Writer
	b     []byte
	khz   uint64 // of the TSC
	begin uint64 // TSC of time 0
	first bool   // no event was written yet
	last  uint64 // latest time that was written, in ns
}

// Tracks of a core, as thread numbers. Spans have tracks of their own.
const (
	trackState = 1 + iota
	trackThreads
	trackDriver
	trackMessages
	trackMonitor
	trackCollector
	trackProgram
)

var trackNames = []string{trackState: "state", "threads", "driver", "messages", "monitor", "collector", "program"}

// event begins an event of a core's track at a time.
func (w *writer) event(phase byte, core, track int, tsc uint64, name string) {
	w.open(phase, core, track, name)
	ns := w.ns(tsc)
	w.last = max(w.last, ns)
	w.b = append(w.b, `,"ts":`...)
	w.micro(ns)
}

// counter begins the values that a core's graph has from a millisecond on.
func (w *writer) counter(core int, ms uint64, name string) {
	w.open('C', core, 0, name)
	w.b = append(w.b, `,"ts":`...)
	w.micro(ms * 1e6)
	w.args()
}

// open begins an event without a time.
func (w *writer) open(phase byte, core, track int, name string) {
	if w.first {
		w.first = false
	} else {
		w.b = append(w.b, ",\n"...)
	}
	w.b = append(w.b, `{"ph":"`...)
	w.b = append(w.b, phase)
	w.b = append(w.b, `","pid":`...)
	w.b = strconv.AppendInt(w.b, int64(core)+1, 10) // 0 is the idle task's
	w.b = append(w.b, `,"tid":`...)
	w.b = strconv.AppendInt(w.b, int64(track), 10)
	w.b = append(w.b, `,"name":`...)
	w.quote(name)
}

// ns is the time since the trace began.
func (w *writer) ns(tsc uint64) uint64 {
	if int64(tsc-w.begin) < 0 {
		return 0
	}
	cycles := tsc - w.begin
	return cycles/w.khz*1e6 + cycles%w.khz*1e6/w.khz
}

// micro appends a time in microseconds, as the format has it.
func (w *writer) micro(ns uint64) {
	w.b = strconv.AppendUint(w.b, ns/1000, 10)
	w.b = append(w.b, '.', byte('0'+ns/100%10), byte('0'+ns/10%10), byte('0'+ns%10))
}

// duration adds how long the event lasts, until a time.
func (w *writer) duration(from, to uint64) {
	w.b = append(w.b, `,"dur":`...)
	start, end := w.ns(from), w.ns(to)
	w.micro(end - min(start, end))
	w.last = max(w.last, end)
}

// text and number add a member to the event, or to its arguments.
func (w *writer) text(name, value string) {
	w.member(name)
	w.quote(value)
}

// quote appends a string; most need no escape.
func (w *writer) quote(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			text, _ := json.Marshal(s) // a string always has a form
			w.b = append(w.b, text...)
			return
		}
	}
	w.b = append(append(append(w.b, '"'), s...), '"')
}

func (w *writer) number(name string, value uint64) {
	w.member(name)
	w.b = strconv.AppendUint(w.b, value, 10)
}

// hex adds a number as text, for addresses: JSON's numbers have 53 bits.
func (w *writer) hex(name string, value uint64) {
	w.member(name)
	w.b = append(w.b, `"0x`...)
	w.b = strconv.AppendUint(w.b, value, 16)
	w.b = append(w.b, '"')
}

func (w *writer) member(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

// args begins the event's arguments.
func (w *writer) args() { w.b = append(w.b, `,"args":{`...) }

// end ends the event, and its arguments if it has some.
func (w *writer) end(args bool) {
	if args {
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, '}')
	if len(w.b) > 1<<15 {
		w.flush()
	}
}

func (w *writer) flush() {
	w.out.Write(w.b) // an error stays, and Flush returns it
	w.b = w.b[:0]
}
