package observe

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strconv"
)

// View is how entries look as text: a line starts with the core in brackets, and
// from its second life on with which it is: [1.2]. A record of log/slog reads "LEVEL message key=value"; everything else as it was
// written.
type View struct {
	Colour bool // for a terminal: a colour per core, and for what is wrong
	Time   bool // before each line
	Bare   bool // lines of cores without the core, where there is but one
	Brief  bool // dumps of goroutines, which SIGQUIT asks for, by a line for each place where some wait
}

// Sequences that set and reset a terminal's colours (ECMA-48, SGR).
const (
	colourOff  = "\x1b[0m"
	colourVMM  = "\x1b[1m"
	colourTime = "\x1b[2m"
	colourBad  = "\x1b[1;31m"
	colourWarn = "\x1b[33m"
	colourInfo = "\x1b[32m"
	colourFine = "\x1b[2m"
)

// coreColours are given to cores in turn. Red is for what is wrong.
var coreColours = []string{"\x1b[36m", "\x1b[33m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[93m", "\x1b[92m", "\x1b[95m", "\x1b[94m"}

// Append appends the entry as one or more lines of text.
func (v View) Append(b []byte, e *Entry) []byte {
	start := len(b)
	if v.Time {
		b = v.colour(b, colourTime, e.Stamp)
		b = append(b, ' ')
	}
	switch {
	case e.Core == NoCore:
		b = append(v.colour(b, colourVMM, []byte("[vmm]")), ' ')
	case !v.Bare:
		var name [32]byte
		tag := strconv.AppendInt(append(name[:0], '['), int64(e.Core), 10)
		if e.Life > 1 {
			tag = strconv.AppendUint(append(tag, '.'), e.Life, 10)
		}
		tag = append(tag, ']')
		b = append(v.colour(b, coreColours[uint(e.Core)%uint(len(coreColours))], tag), ' ')
	}
	prefix := b[start:]
	message := len(b)
	b = e.appendMessage(b, v)
	if bytes.IndexByte(b[message:], '\n') >= 0 { // every line of it gets the prefix
		text := bytes.ReplaceAll(b[message:], []byte{'\n'}, append([]byte{'\n'}, prefix...))
		b = append(b[:message], text...)
	}
	return append(b, '\n')
}

// Text returns the entry's message as a view shows it, without the prefix.
func (e *Entry) Text() []byte {
	if e.Kind != KindSlog {
		return e.Msg
	}
	return e.appendMessage(nil, View{})
}

func (e *Entry) appendMessage(b []byte, v View) []byte {
	switch {
	case e.Kind == KindSlog && e.Level != nil:
		b = v.colour(b, levelColour(*e.Level), []byte(e.Level.String()))
		b = append(append(b, ' '), e.Msg...)
		if e.Attrs != nil {
			b = appendAttrs(b, "", e.Attrs)
		}
		return b
	case e.Level != nil && *e.Level >= slog.LevelError:
		msg := e.Msg
		if v.Brief && e.Kind == KindPanic && isDump(msg) {
			msg = Brief(msg)
		}
		first, rest, more := bytes.Cut(msg, []byte{'\n'})
		b = v.colour(b, colourBad, first)
		if more {
			b = append(append(b, '\n'), rest...)
		}
		return b
	}
	return append(b, e.Msg...)
}

// colour appends text, coloured if the view is.
func (v View) colour(b []byte, colour string, text []byte) []byte {
	if !v.Colour {
		return append(b, text...)
	}
	b = append(append(b, colour...), text...)
	return append(b, colourOff...)
}

func levelColour(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return colourBad
	case l >= slog.LevelWarn:
		return colourWarn
	case l >= slog.LevelInfo:
		return colourInfo
	}
	return colourFine
}

// appendAttrs appends the members of a valid JSON object as " key=value", those
// of groups as " group.key=value".
func appendAttrs(b []byte, group string, object []byte) []byte {
	rest := skipSpace(object)[1:]
	for {
		key, value, tail := member(rest)
		if key == nil {
			return b
		}
		var name string
		_ = json.Unmarshal(key, &name) // a string of valid JSON
		if value[0] == '{' {
			b = appendAttrs(b, group+name+".", value)
		} else {
			b = append(append(append(append(b, ' '), group...), name...), '=')
			b = append(b, bare(value)...)
		}
		if tail[0] != ',' {
			return b
		}
		rest = tail[1:]
	}
}

// bare takes the quotes off a JSON string that reads well without them.
func bare(value []byte) []byte {
	if value[0] != '"' || len(value) == 2 || bytes.ContainsAny(value, " =\\") {
		return value
	}
	return value[1 : len(value)-1]
}
