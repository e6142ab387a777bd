package observe

import (
	"encoding/json"
	"log/slog"
	"strconv"
	"time"
	"unicode/utf8"
)

// Streams of an entry: where its text came from.
const (
	Stdout = "stdout"
	Stderr = "stderr"
	Output = "output" // stdout and stderr in one, of a core that is a process
	Driver = "driver" // a line of the CPU driver
	VMM    = "vmm"    // a line of the VMM, about the run or one of its cores
)

// Kinds of an entry: what its text is. A plain line has none.
const (
	KindSlog  = "slog"  // a record of log/slog
	KindPanic = "panic" // a panic or fatal error of the Go runtime, with its goroutines
)

// NoCore is the core of entries that are the VMM's.
const NoCore = -1

// Entry is one message of a run's log. Each is one line of JSON in LogFile;
// docs/reference/logs.md describes it.
type Entry struct {
	Stamp  []byte // time: RFC 3339 in UTC, with nine digits of a second
	Core   int    // or NoCore
	Life   uint64 // of the core, where it is not its first
	Stream string
	Kind   string
	Level  *slog.Level // nil where the text does not tell
	Msg    []byte      // without its last newline
	Attrs  []byte      // JSON object, nil for none
}

// Severity returns the entry's level, or what its stream stands for.
func (e *Entry) Severity() slog.Level {
	switch {
	case e.Level != nil:
		return *e.Level
	case e.Stream == Stdout || e.Stream == Output || e.Stream == VMM:
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

// AppendJSON appends the entry as one line of JSON. Bytes that are no UTF-8
// become U+FFFD.
func (e *Entry) AppendJSON(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = append(b, e.Stamp...)
	b = append(b, '"')
	if e.Core != NoCore {
		b = append(b, `,"core":`...)
		b = strconv.AppendInt(b, int64(e.Core), 10)
	}
	if e.Life > 1 {
		b = append(b, `,"life":`...)
		b = strconv.AppendUint(b, e.Life, 10)
	}
	b = append(b, `,"stream":"`...)
	b = append(b, e.Stream...)
	if e.Kind != "" {
		b = append(b, `","kind":"`...)
		b = append(b, e.Kind...)
	}
	if e.Level != nil {
		b = append(b, `","level":"`...)
		b = append(b, e.Level.String()...)
	}
	b = append(b, `","msg":`...)
	b = appendString(b, e.Msg)
	if e.Attrs != nil {
		b = append(b, `,"attrs":`...)
		b = append(b, e.Attrs...)
	}
	return append(b, "}\n"...)
}

// plain marks the bytes that stand for themselves in a JSON string.
var plain = func() (t [utf8.RuneSelf]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

func appendString(b, s []byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			if r != utf8.RuneError || n != 1 {
				i += n
				continue
			}
		}
		b = append(b, s[start:i]...)
		switch {
		case c >= utf8.RuneSelf:
			b = append(b, `\ufffd`...)
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// ParseEntry decodes one line of LogFile.
func ParseEntry(line []byte) (Entry, error) {
	if e, ok := parseOwn(line); ok {
		return e, nil
	}
	var v struct {
		Time   string          `json:"time"`
		Core   *int            `json:"core"`
		Life   uint64          `json:"life"`
		Stream string          `json:"stream"`
		Kind   string          `json:"kind"`
		Level  *slog.Level     `json:"level"`
		Msg    string          `json:"msg"`
		Attrs  json.RawMessage `json:"attrs"`
	}
	if err := json.Unmarshal(line, &v); err != nil {
		return Entry{}, err
	}
	e := Entry{Stamp: []byte(v.Time), Core: NoCore, Life: v.Life, Stream: v.Stream, Kind: v.Kind, Level: v.Level, Msg: []byte(v.Msg), Attrs: v.Attrs}
	if v.Core != nil {
		e.Core = *v.Core
	}
	return e, nil
}

// parseOwn decodes a plain line just as AppendJSON writes it, the bulk of a
// log, without encoding/json. Msg and Stamp point into the line.
func parseOwn(line []byte) (e Entry, ok bool) {
	rest, ok := cut(line, `{"time":"`)
	if !ok || len(rest) <= stampLen {
		return e, false
	}
	e.Stamp, rest = rest[:stampLen], rest[stampLen:]
	e.Core = NoCore
	if r, ok := cut(rest, `","core":`); ok {
		e.Core = 0
		for len(r) > 0 && r[0] >= '0' && r[0] <= '9' && e.Core < 1<<16 {
			e.Core, r = e.Core*10+int(r[0]-'0'), r[1:]
		}
		if l, ok := cut(r, `,"life":`); ok {
			for len(l) > 0 && l[0] >= '0' && l[0] <= '9' && e.Life < 1<<48 {
				e.Life, l = e.Life*10+uint64(l[0]-'0'), l[1:]
			}
			r = l
		}
		if r, ok = cut(r, `,"stream":"`); !ok {
			return e, false
		}
		rest = r
	} else if rest, ok = cut(rest, `","stream":"`); !ok {
		return e, false
	}
	if r, ok := cut(rest, `stdout","msg":"`); ok {
		e.Stream, rest = Stdout, r
	} else if r, ok := cut(rest, `stderr","msg":"`); ok {
		e.Stream, rest = Stderr, r
	} else if r, ok := cut(rest, `output","msg":"`); ok {
		e.Stream, rest = Output, r
	} else {
		return e, false
	}
	for i, c := range rest {
		switch c {
		case '"':
			e.Msg = rest[:i]
			tail := rest[i:]
			return e, string(tail) == "\"}\n" || string(tail) == "\"}"
		case '\\':
			return e, false
		}
	}
	return e, false
}

func cut(b []byte, prefix string) ([]byte, bool) {
	if len(b) < len(prefix) || string(b[:len(prefix)]) != prefix {
		return b, false
	}
	return b[len(prefix):], true
}

// stampLayout writes times so that all have one length.
const stampLayout = "2006-01-02T15:04:05.000000000Z"

const stampLen = len(stampLayout)

// stamper formats times; most are of the same second as the last one.
type stamper struct {
	second int64
	text   []byte
}

func (s *stamper) format(t time.Time) []byte {
	if sec := t.Unix(); sec != s.second || s.text == nil {
		s.second, s.text = sec, t.UTC().AppendFormat(s.text[:0], stampLayout)
	}
	ns := t.Nanosecond()
	for i := stampLen - 2; i > stampLen-11; i-- {
		s.text[i] = byte('0' + ns%10)
		ns /= 10
	}
	return s.text
}
