package observe

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

// form is what encoding/json makes of an entry's line.
type form struct {
	Time   time.Time       `json:"time"`
	Core   *int            `json:"core"`
	Stream string          `json:"stream"`
	Kind   string          `json:"kind"`
	Level  *slog.Level     `json:"level"`
	Msg    string          `json:"msg"`
	Attrs  json.RawMessage `json:"attrs"`
}

// FuzzEntry: every text becomes one line of JSON that encoding/json reads as
// it would read its own, and that ParseEntry reads as the entry it was.
func FuzzEntry(f *testing.F) {
	for _, text := range []string{"", "plain", "tab\tquote\" back\\slash", "bell\a del\x7f", "é \u2028 \U0001f600", "bad \xff\xc3", "two\nlines\r", `{"a":1}`} {
		f.Add([]byte(text), int64(1763985147_123456789), 3, true)
	}
	f.Add([]byte("vmm"), int64(0), NoCore, false)
	f.Fuzz(func(t *testing.T, text []byte, ns int64, core int, plain bool) {
		core = max(core, NoCore) % 64
		at := time.Unix(0, max(ns, 0))
		var s stamper
		e := Entry{Stamp: s.format(at), Core: core, Stream: Stdout, Msg: text}
		if !plain {
			e.Kind, e.Level, e.Attrs = KindSlog, &levelError, []byte(`{"a":{"b":"c"}}`)
		}
		if life := uint64(len(text)) % 5; core != NoCore && life > 1 {
			e.Life = life
		}
		line := e.AppendJSON(nil)
		if bytes.IndexByte(line, '\n') != len(line)-1 {
			t.Fatalf("%q is not one line", line)
		}
		var got form
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		own, _ := json.Marshal(string(text))
		var want string
		json.Unmarshal(own, &want)
		if got.Msg != want || !got.Time.Equal(at) || got.Stream != Stdout || (got.Core == nil) != (core == NoCore) || got.Core != nil && *got.Core != core {
			t.Errorf("encoding/json reads %+v, want message %q at %v of core %d", got, want, at, core)
		}
		back, err := ParseEntry(line)
		if err != nil {
			t.Fatal(err)
		}
		e.Msg = []byte(want)
		if len(back.Msg) == 0 {
			back.Msg = []byte{}
		}
		if !reflect.DeepEqual(back, e) {
			t.Errorf("read back as %+v, want %+v", back, e)
		}
	})
}

// Lines that others wrote, or changed, are read as JSON.
func TestParseOtherForms(t *testing.T) {
	for line, want := range map[string]string{
		`{ "msg": "hi", "core": 2, "stream": "stdout", "time": "2026-11-24T11:52:27Z" }`:             "[2] hi\n",
		`{"time":"2026-11-24T11:52:27.000000000Z","core":1,"stream":"stdout","msg":"a\tb"}`:          "[1] a\tb\n",
		`{"time":"2026-11-24T11:52:27.000000000Z","core":1,"stream":"stdout","msg":"hi","more":"x"}`: "[1] hi\n",
	} {
		e, err := ParseEntry([]byte(line))
		if got := string(View{}.Append(nil, &e)); err != nil || got != want {
			t.Errorf("%s: shown as %q, want %q (%v)", line, got, want, err)
		}
	}
	for _, line := range []string{"", "{", `{"time":"2026-11-24T11:52:27.000000000Z","core":1,"stream":"stdout","msg":"hi"`, "[1] text"} {
		if e, err := ParseEntry([]byte(line)); err == nil {
			t.Errorf("%q was read as %+v", line, e)
		}
	}
}

func TestRendering(t *testing.T) {
	s := &stamper{}
	at := s.format(time.Date(2026, 11, 24, 11, 52, 27, 5000, time.UTC))
	warn := slog.LevelWarn
	record := Entry{Stamp: at, Core: 1, Stream: Stderr, Kind: KindSlog, Level: &warn, Msg: []byte("two\nlines"),
		Attrs: []byte(`{"n":1.5,"s":"a b","plain":"x","group":{"deep":{"t":true},"list":[1, 2],"none":null},"empty":"","e":{}}`)}
	for _, c := range []struct {
		name string
		e    Entry
		v    View
		want string
	}{
		{"plain", Entry{Stamp: at, Core: 12, Stream: Stdout, Msg: []byte("hello")}, View{}, "[12] hello\n"},
		{"life", Entry{Stamp: at, Core: 12, Life: 3, Stream: Stdout, Msg: []byte("hello")}, View{}, "[12.3] hello\n"},
		{"vmm", Entry{Stamp: at, Core: NoCore, Stream: VMM, Level: &levelInfo, Msg: []byte("the others go on: 1")}, View{}, "[vmm] the others go on: 1\n"},
		{"time", Entry{Stamp: at, Core: 0, Stream: Stdout, Msg: nil}, View{Time: true}, "2026-11-24T11:52:27.000005000Z [0] \n"},
		{"slog", record, View{}, "[1] WARN two\n[1] lines n=1.5 s=\"a b\" plain=x group.deep.t=true group.list=[1, 2] group.none=null empty=\"\"\n"},
		{"colour", Entry{Stamp: at, Core: 0, Stream: Stderr, Kind: KindPanic, Level: &levelError, Msg: []byte("panic: x\n\ngoroutine 1 [running]:")}, View{Colour: true},
			"\x1b[36m[0]\x1b[0m \x1b[1;31mpanic: x\x1b[0m\n\x1b[36m[0]\x1b[0m \n\x1b[36m[0]\x1b[0m goroutine 1 [running]:\n"},
	} {
		if got := string(c.v.Append(nil, &c.e)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := string(record.Text()); !strings.HasPrefix(got, "WARN two\nlines n=1.5") {
		t.Errorf("text of a record: %q", got)
	}
}

// BenchmarkAppendJSON and BenchmarkParse: what a line of the log costs the VMM.
func BenchmarkAppendJSON(b *testing.B) {
	var s stamper
	e := Entry{Stamp: s.format(time.Now()), Core: 3, Stream: Stdout, Msg: bytes.Repeat([]byte("line "), 16)}
	var buf []byte
	for b.Loop() {
		buf = e.AppendJSON(buf[:0])
	}
}

func BenchmarkParse(b *testing.B) {
	var s stamper
	e := Entry{Stamp: s.format(time.Now()), Core: 3, Stream: Stdout, Msg: bytes.Repeat([]byte("line "), 16)}
	line := e.AppendJSON(nil)
	var buf []byte
	for b.Loop() {
		got, err := ParseEntry(line)
		if err != nil {
			b.Fatal(err)
		}
		buf = View{}.Append(buf[:0], &got)
	}
}
