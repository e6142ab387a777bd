package observe

import (
	"bytes"
	"encoding/json"
	"log/slog"
)

// recordMark is the byte that starts a line with a record of log/slog (ASCII
// RS, as in RFC 7464). A JSON object follows, as slog.JSONHandler writes it.
const recordMark = 0x1e

// decodeRecord makes an entry's kind, level, message and attributes of a line
// that starts with recordMark. It reports false for a line that is no record.
// Msg and Attrs may point into the line.
func decodeRecord(line []byte, e *Entry) bool {
	text := bytes.TrimSpace(line[1:])
	if len(text) == 0 || text[0] != '{' || !json.Valid(text) {
		return false
	}
	// What comes before msg, and msg itself, are the handler's own keys;
	// attributes may have any name, those included.
	var level *slog.Level
	rest := text[1:]
	for {
		key, value, tail := member(rest)
		switch string(key) {
		case `"level"`:
			level = new(slog.Level)
			if level.UnmarshalJSON(value) != nil {
				return false
			}
		case `"msg"`:
			msg, ok := text8(value)
			if level == nil || !ok {
				return false
			}
			e.Kind, e.Level, e.Msg, e.Attrs = KindSlog, level, msg, nil
			if tail[0] == ',' {
				e.Attrs = append([]byte{'{'}, tail[1:]...)
			}
			return true
		case `"time"`, `"source"`:
		default:
			return false
		}
		if tail[0] != ',' {
			return false
		}
		rest = tail[1:]
	}
}

// text8 decodes a JSON string.
func text8(value []byte) ([]byte, bool) {
	if value[0] != '"' {
		return nil, false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], true
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return nil, false
	}
	return []byte(s), true
}

// member splits the first member off the inside of a valid JSON object. rest
// starts with the comma or brace after it. An empty object has no key.
func member(b []byte) (key, value, rest []byte) {
	b = skipSpace(b)
	if b[0] != '"' {
		return nil, nil, b
	}
	n := valueLen(b)
	key, b = b[:n], skipSpace(b[n:])
	b = skipSpace(b[1:]) // the colon
	n = valueLen(b)
	return key, b[:n], skipSpace(b[n:])
}

func skipSpace(b []byte) []byte {
	for b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n' {
		b = b[1:]
	}
	return b
}

// valueLen returns the length of the value at the start of valid JSON that
// goes on after it.
func valueLen(b []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
			if !quoted && depth == 0 {
				return i + 1
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth == 0 {
				return i // a number or word at the end of what holds it
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			return i
		}
	}
	return len(b)
}
