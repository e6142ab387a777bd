package guest

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
)

// writes keeps what each call of Write got.
type writes struct{ got []string }

func (w *writes) Write(b []byte) (int, error) {
	w.got = append(w.got, string(b))
	return len(b), nil
}

// Each record is one write: mark, JSON object, newline.
func TestRecordIsOneWrite(t *testing.T) {
	var w writes
	l := slog.New(slog.NewJSONHandler(&recordWriter{to: &w}, nil))
	l.Info("first", "text", "two\nlines")
	l.WithGroup("g").Error("second", "err", errors.New("no luck"))
	if len(w.got) != 2 {
		t.Fatalf("%d writes: %q", len(w.got), w.got)
	}
	for i, want := range []string{"first", "second"} {
		text := []byte(w.got[i])
		var v struct{ Msg string }
		if text[0] != recordMark || bytes.IndexByte(text, '\n') != len(text)-1 || json.Unmarshal(text[1:], &v) != nil || v.Msg != want {
			t.Errorf("write %d is %q, want a record of %q", i, text, want)
		}
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestRecordThatCannotBeWritten(t *testing.T) {
	if _, err := (&recordWriter{to: broken{}}).Write([]byte("{}\n")); !errors.Is(err, errBroken) {
		t.Errorf("error %v, want %v", err, errBroken)
	}
}
