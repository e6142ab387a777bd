package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "draw docs/images/run.svg anew")

const drawn = "../images/run.svg" // from testdata/run

// TestPicture draws the run in testdata and compares it with the picture that
// README.md shows.
func TestPicture(t *testing.T) {
	p, err := read("testdata/run", "testdata/run/report.json")
	if err != nil {
		t.Fatal(err)
	}
	got := p.draw()
	if *update {
		if err := os.WriteFile(drawn, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(drawn)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what is drawn: go test ./docs/timeline -update", drawn)
	}
	for x := xml.NewDecoder(bytes.NewReader(got)); ; {
		if _, err := x.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRead checks what is read against what the run's log says.
func TestRead(t *testing.T) {
	p, err := read("testdata/run", "testdata/run/report.json")
	if err != nil {
		t.Fatal(err)
	}
	for i, died := range []bool{false, false, true, false} {
		if l := p.Cores[i]; (l.died > 0) != died || l.last < l.BootMS || l.last > p.end {
			t.Errorf("core %d: %+v, want it to die: %v", i, l, died)
		}
	}
	if len(p.arrows) != 17 || len(p.lost) != 2 {
		t.Errorf("%d messages taken and %d lost, want 17 and 2", len(p.arrows), len(p.lost))
	}
	for _, a := range p.arrows {
		if a.took <= a.sent || a.from != 0 {
			t.Errorf("message %+v was taken before it was sent, or came from nobody", a)
		}
	}
}

func TestReadErrors(t *testing.T) {
	p := &picture{Cores: []*lane{{}}}
	one := 1
	for _, e := range []*entry{{Core: &one}, {Level: "ERROR", Msg: "core 9: exited with code 2"}} {
		if p.add(e, 0) == nil {
			t.Errorf("%+v passes where the report has one core", e)
		}
	}
	if _, err := read("testdata/run", "testdata/none"); err == nil {
		t.Error("a report that is not there passes")
	}
}
