package observe

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"barreleye/devices/clock"
	"barreleye/devices/logring"
)

// What cores wrote at once is merged by time; those of one core keep their
// order whatever their times say.
func TestMergeByTime(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const cores, n = 5, 200
	var page clock.Page
	wall := uint64(time.Now().Add(-time.Hour).UnixNano())
	page.Publish(clock.Params{TSC: 1, Mult: 1 << 32, Mono: 0, Wall: wall}) // a cycle is a ns
	sources := make([]Source, cores)
	for core := range sources {
		s := &script{}
		tsc := uint64(1)
		for i := range n {
			tsc += 1 + r.Uint64N(1000)
			rec := out(fmt.Sprintf("%d\n", i))
			rec.TSC = tsc
			s.records = append(s.records, rec)
		}
		sources[core] = s
	}
	sources[0].(*script).records[n/2].TSC = 1       // a clock that goes back
	sources[1].(*script).records[n-1].TSC = 1 << 62 // and one far ahead
	dir := t.TempDir()
	logs, err := NewLogs(Config{Dir: dir, Sources: sources, Clock: &page})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	logs.Drain()
	if err := logs.Finish(); err != nil {
		t.Fatal(err)
	}
	var next [cores]int
	var last []byte
	back := 0
	reader := NewReader(strings.NewReader(readFile(t, dir, LogFile)))
	for range cores * n {
		e, _, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(e.Msg), fmt.Sprint(next[e.Core]); got != want {
			t.Fatalf("core %d: %s, want %s", e.Core, got, want)
		}
		next[e.Core]++
		if bytes.Compare(e.Stamp, last) < 0 {
			back++
		}
		last = bytes.Clone(e.Stamp)
		if at, err := time.Parse(stampLayout, string(e.Stamp)); err != nil || at.After(time.Now()) {
			t.Errorf("time %s (%v)", e.Stamp, err)
		}
	}
	if back > 1 {
		t.Errorf("time goes back %d times, only one record's does", back)
	}
}

// A guest writes what it likes: no record makes the VMM fail.
func FuzzRecords(f *testing.F) {
	f.Add([]byte("panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:1\nnext\n\x1e{\"level\":\"INFO\",\"msg\":\"m\"}\nrest"), []byte{2, 9, 2, 30, 1, 3, 2, 255})
	f.Add([]byte("\n\n\x1e\nruntime: x\n\n"), []byte{2, 1, 9, 1, 3, 1, 0, 1})
	f.Fuzz(func(t *testing.T, text, cuts []byte) {
		s := &script{}
		lines := 0
		for i := 0; i+1 < len(cuts) && len(text) > 0; i += 2 {
			n := min(int(cuts[i+1]), len(text))
			if stream := cuts[i]; stream != 0 { // which stands for an error here
				s.records = append(s.records, logring.Record{Stream: stream, TSC: uint64(i), Text: text[:n]})
				lines += bytes.Count(text[:n], []byte{'\n'})
			}
			text = text[n:]
		}
		entries, _ := collect(t, func(l *Logs) { l.Drain() }, s)
		got := len(entries)
		for _, e := range entries {
			got += bytes.Count(e.Msg, []byte{'\n'})
			View{Colour: true, Time: true}.Append(nil, &e)
		}
		// the last lines may be without end, one per stream; a trace loses empty
		// lines at its end
		if got > lines+len(s.records)+4 {
			t.Errorf("%d lines became %d", lines, got)
		}
	})
}
