package observe

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"
)

// What slog's own JSON handler writes comes out as level, message and
// attributes, groups included, whatever the attributes are called.
func TestDecodeRecord(t *testing.T) {
	for _, c := range []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"plain", func(l *slog.Logger) { l.Info("hello") }, "INFO hello"},
		{"attributes", func(l *slog.Logger) {
			l.Error("failed", "err", errors.New("no \"luck\""), "n", 3, "took", 2*time.Second, "ok", false)
		}, `ERROR failed err="no \"luck\"" n=3 took=2000000000 ok=false`},
		{"groups", func(l *slog.Logger) {
			l.WithGroup("req").With("id", 7).Warn("slow", slog.Group("peer", "core", 2), "s", "{]}")
		}, "WARN slow req.id=7 req.peer.core=2 req.s={]}"},
		{"the handler's own names", func(l *slog.Logger) { l.Debug("m", "msg", "x", "level", 9, "time", "t") }, "DEBUG m msg=x level=9 time=t"},
		{"levels between", func(l *slog.Logger) { l.Log(t.Context(), slog.LevelWarn+2, "é\ttab") }, "WARN+2 é\ttab"},
	} {
		var b bytes.Buffer
		c.log(slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true})))
		e := Entry{}
		line := append([]byte{recordMark}, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...)
		if !decodeRecord(line, &e) {
			t.Errorf("%s: %s is taken for no record", c.name, line)
			continue
		}
		if got := string(e.Text()); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNoRecord(t *testing.T) {
	for _, text := range []string{
		"", "text", "{", "{}", "[]", `{"level":"INFO"}`, `{"msg":"x"}`, `{"level":"LOUD","msg":"x"}`, `{"level":3,"msg":"x"}`,
		`{"level":"INFO","msg":3}`, `{"level":"INFO","msg":"x"} {}`, `{"level":"INFO","msg":"x"`, `{"other":1,"level":"INFO","msg":"x"}`,
	} {
		if e := (Entry{}); decodeRecord(append([]byte{recordMark}, text...), &e) {
			t.Errorf("%s was taken for a record: %+v", text, e)
		}
	}
}

// FuzzDecodeRecord: a guest may write anything. What is taken for a record
// becomes valid JSON and can be shown.
func FuzzDecodeRecord(f *testing.F) {
	f.Add([]byte(`{"time":"x","level":"INFO","msg":"a\u00e9","k":{"b":[1,{"c":2}]},"e":{}}`))
	f.Add([]byte("{ \"level\" :\t\"INFO+1\" , \"msg\" : \"x\" , \"k\" : -1e3 }"))
	f.Add([]byte(`{"level":"INFO","msg":"x","":""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.IndexByte(text, '\n') >= 0 {
			return // lines have none
		}
		e := Entry{Stamp: []byte("t"), Stream: Stderr}
		if !decodeRecord(append([]byte{recordMark}, text...), &e) {
			return
		}
		if line := e.AppendJSON(nil); !json.Valid(line) || bytes.IndexByte(line, '\n') != len(line)-1 {
			t.Errorf("%q became %q", text, line)
		}
		View{Colour: true}.Append(nil, &e)
	})
}
