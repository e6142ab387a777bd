package observe

import (
	"bytes"
	"os"

	"barreleye/devices/logring"
)

// coreLog is the log of one core over all its lives.
type coreLog struct {
	core    int
	life    uint64 // which of them the source is of
	source  Source // nil between lives
	file    *os.File
	text    []byte                     // lines not yet written to file
	partial [logring.Driver + 1][]byte // by stream: text since the last newline
	trace   *trace                     // the panic that is being written, nil for none
	pending pending
}

// maxLine is how much of a line is kept in memory, in bytes: a longer one
// becomes several entries.
const maxLine = 1 << 20

var streamNames = [logring.Driver + 1]string{Output, Stdout, Stderr, Driver}

// take splits a record into lines; the last one may go on in the next record
// of the same stream.
func (l *Logs) take(c *coreLog, rec logring.Record) {
	stream := rec.Stream
	if int(stream) >= len(c.partial) {
		stream = logring.Stderr // no driver writes that
	}
	p, text := &c.partial[stream], rec.Text
	if len(*p) > 0 {
		*p = append(*p, text...)
		text = *p
	}
	for {
		i := bytes.IndexByte(text, '\n')
		if i < 0 {
			break
		}
		l.line(c, stream, rec.TSC, text[:i])
		text = text[i+1:]
	}
	*p = append((*p)[:0], text...)
	if len(*p) >= maxLine {
		e := Entry{Stamp: l.stamp(rec.TSC), Core: c.core, Life: c.life, Stream: streamNames[stream], Msg: *p}
		l.put(c, &e)
		c.text = c.text[:len(c.text)-1] // the core's text goes on
		*p = (*p)[:0]
	}
}

// line handles one line without its newline.
func (l *Logs) line(c *coreLog, stream byte, tsc uint64, line []byte) {
	e := Entry{Stamp: l.stamp(tsc), Core: c.core, Life: c.life, Stream: streamNames[stream], Msg: line}
	if stream == logring.Stdout || stream == logring.Driver || len(line) == 0 && c.trace == nil {
		l.put(c, &e)
		return
	}
	if i := bytes.IndexByte(line, recordMark); i >= 0 && decodeRecord(line[i:], &e) {
		if i > 0 { // a line that was not ended before the record came
			l.put(c, &Entry{Stamp: e.Stamp, Core: c.core, Life: c.life, Stream: e.Stream, Msg: line[:i]})
		}
		l.put(c, &e)
		return
	}
	if c.trace != nil {
		if c.trace.add(&e, l.now) {
			c.text = append(append(c.text, line...), '\n')
			return
		}
		l.closeTrace(c, false)
	}
	if opensTrace(line) {
		c.trace = &trace{stamp: bytes.Clone(e.Stamp), stream: e.Stream, opened: l.now}
		c.trace.add(&e, l.now)
		c.text = append(append(c.text, line...), '\n')
		return
	}
	l.put(c, &e)
}

// put adds an entry to the core's text and to the log, where it waits for the
// end of a trace that began before it.
func (l *Logs) put(c *coreLog, e *Entry) {
	c.text = append(e.appendMessage(c.text, View{}), '\n')
	if c.trace == nil {
		c.pending.add(e)
	} else if !c.trace.hold(e) {
		l.closeTrace(c, false)
	}
}

// closeTrace adds the trace to the log: as one entry if it is one, else as the
// lines it came in. ended says that the core ended after it.
func (l *Logs) closeTrace(c *coreLog, ended bool) {
	t := c.trace
	c.trace = nil
	if !t.confirmed && !(ended && t.fatal()) {
		c.pending.addLines(t.inOrder)
		return
	}
	e := Entry{Stamp: t.stamp, Core: c.core, Life: c.life, Stream: t.stream, Kind: KindPanic, Level: &levelError, Msg: bytes.TrimRight(t.text, "\n")}
	c.pending.add(&e)
	c.pending.addLines(t.held)
}
