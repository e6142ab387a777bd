package seeds

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"barreleye/guest/monitor/simulate"
)

var errLarge = errors.New("two large numbers")

// draws fails where two of 30 numbers are above 7: every seed does sooner or later, and the
// shortest run that does makes two choices of 8.
func draws(t simulate.Trial) error {
	large := 0
	for range 30 {
		n := t.Choices.N(10)
		if t.Note("%d", n); n > 7 {
			large++
		}
	}
	if large >= 2 && t.Seed >= 3 {
		return errLarge
	}
	return nil
}

// TestFind: the first seed that fails is found, shrunk, and what is printed replays it.
func TestFind(t *testing.T) {
	if f := Find(1, 2, draws); f != nil {
		t.Fatalf("%+v", f)
	}
	f := Find(1, 100, draws)
	if f == nil || f.Seed < 3 || f.Err != errLarge || f.ErrShort != errLarge || f.Size() != 2 {
		t.Fatalf("%+v", f)
	}
	report := f.report("TestX")
	_, list, found := strings.Cut(report, "-choices '")
	list, _, ended := strings.Cut(list, "'")
	got, err := parse(list)
	if !found || !ended || err != nil || !slices.Equal(got, f.Choices) {
		t.Errorf("%v: choices %v, want %v, in\n%s", err, got, f.Choices, report)
	}
	for _, want := range []string{
		"seed ", errLarge.Error(), "go test barreleye/guest/monitor/simulate/seeds -run '^TestX$' -seed ", "shrunk to 2 choices", f.Transcript,
	} {
		if !strings.Contains(report, want) {
			t.Errorf("%q is not in\n%s", want, report)
		}
	}
}

// TestFindsWhatDependsOnMore: a run that fails once only is said to depend on more than
// its choices.
func TestFindsWhatDependsOnMore(t *testing.T) {
	runs := 0
	f := Find(1, 10, func(simulate.Trial) error {
		if runs++; runs == 4 {
			return errLarge
		}
		return nil
	})
	if f == nil || f.Seed != 4 || !errors.Is(f.Err, errLarge) || !strings.Contains(f.Err.Error(), "more than its choices") {
		t.Errorf("%+v", f)
	}
}

// TestParse: what is no list of choices is refused.
func TestParse(t *testing.T) {
	if list, err := parse(" 2:5 0:1"); err != nil || !slices.Equal(list, []uint32{1, 0, 5}) {
		t.Errorf("%v, %v", list, err)
	}
	for _, bad := range []string{"5", "x:1", "-1:3", "1:", "99999999999:1"} {
		if list, err := parse(bad); err == nil {
			t.Errorf("%q is %v", bad, list)
		}
	}
}
