package observe

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"barreleye/devices/logring"
)

// script is a source that yields what a test wrote down.
type script struct {
	records  []logring.Record
	released int
	taken    int
}

var errTorn = errors.New("torn")

func (s *script) Next() (logring.Record, bool, error) {
	if s.taken == len(s.records) {
		return logring.Record{}, false, nil
	}
	rec := s.records[s.taken]
	s.taken++
	if rec.Stream == 0 {
		return rec, false, errTorn
	}
	return rec, true, nil
}

func (s *script) Release() { s.released = s.taken }

func out(text string) logring.Record {
	return logring.Record{Stream: logring.Stdout, Text: []byte(text)}
}
func errs(text string) logring.Record {
	return logring.Record{Stream: logring.Stderr, Text: []byte(text)}
}

func readFile(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Lines of two streams do not mix, wherever their writes end; a source that
// fails goes on; the next life of a core starts with a line of its own.
func TestLinesOfStreamsAndLives(t *testing.T) {
	dir := t.TempDir()
	first := &script{records: []logring.Record{
		out("one "), errs("an err"), out("line\nnext"), errs("or\n"), {}, out(" line\nno end"),
	}}
	logs, err := NewLogs(Config{Dir: dir, Sources: []Source{first}})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	for first.taken < len(first.records) {
		logs.Drain()
	}
	if first.released != len(first.records) {
		t.Errorf("%d of %d records were released", first.released, len(first.records))
	}
	logs.End(0)
	if err := logs.Begin(0, 2, &script{records: []logring.Record{out("second life\n")}}); err != nil {
		t.Fatal(err)
	}
	if err := logs.Finish(); err != nil {
		t.Fatal(err)
	}
	want := "one line\nan error\nvmm: torn: some lines of this core are lost\nnext line\nno end\nsecond life\n"
	if got := readFile(t, dir, CoreFile(0)); got != want {
		t.Errorf("log is %q, want %q", got, want)
	}
}

// endless is a source that always has another line.
type endless struct{ script }

func (*endless) Next() (logring.Record, bool, error) { return out("again\n"), true, nil }

func TestEndlessSourceStarvesNobody(t *testing.T) {
	dir := t.TempDir()
	logs, err := NewLogs(Config{Dir: dir, Sources: []Source{&endless{}, &script{records: []logring.Record{out("here\n")}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	logs.Drain()
	if got := readFile(t, dir, CoreFile(1)); got != "here\n" {
		t.Errorf("log of the other core is %q", got)
	}
}
