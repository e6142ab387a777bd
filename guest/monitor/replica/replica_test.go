package replica

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
	"barreleye/guest/monitor/names"
)

// diary is a part that notes what it is asked.
type diary struct{ lines []string }

func (d *diary) note(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) Prepare(op agreement.Op) bool          { d.note("prepare %s", op); return true }
func (d *diary) Commit(op agreement.Op, prepared bool) { d.note("commit %s %v", op, prepared) }
func (d *diary) Late(op agreement.Op, own bool) bool {
	d.note("late %s %v", op, own)
	return true
}
func (d *diary) Abort(op agreement.Op) { d.note("abort %s", op) }
func (d *diary) Apply(op agreement.Op) { d.note("apply %s", op) }
func (d *diary) Gone(core int)         { d.note("gone %d", core) }
func (d *diary) Save(b []byte) []byte  { return append(b, strings.Join(d.lines, "\n")...) }
func (d *diary) Load(b []byte) error {
	if string(b) == "broken" {
		return errors.New("broken")
	}
	d.lines = strings.Split(string(b), "\n")
	return nil
}

// pair returns a state of names and a diary, whose operations begin with '~'.
func pair(t *testing.T) (*State, *diary) {
	before := kinds
	t.Cleanup(func() { kinds = before })
	kinds = append(kinds[:1:1], kind{'~', '~', func(op agreement.Op) string { return "diary " + string(op) }, func(byte) string { return "write" }})
	s, d := New(0, caps.Extent{Type: caps.RAM, Size: caps.PageSize}), &diary{}
	s.parts = append(s.parts[:1], d)
	return s, d
}

func lock(t *testing.T) agreement.Op {
	op, err := names.Lock(3, "lock")
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// TestParts: each operation reaches its part alone, a death reaches all.
func TestParts(t *testing.T) {
	s, d := pair(t)
	if op := lock(t); !s.Prepare(op) || s.Prepare(op) {
		t.Error("a lock is prepared once")
	} else {
		s.Abort(op)
		s.Prepare(op)
		s.Commit(op, true)
	}
	if core, held := s.Names.Holder("lock"); core != 3 || !held {
		t.Errorf("held by %d, %v", core, held)
	}
	s.Prepare("~a")
	s.Commit("~a", true)
	s.Commit("~b", false)
	s.Abort("~c")
	s.Apply("~d")
	text, err := names.Publish(1, "topic", "text")
	if err != nil {
		t.Fatal(err)
	}
	s.Apply(text)
	s.Gone(3)
	if got, want := strings.Join(d.lines, ", "), "prepare ~a, commit ~a true, commit ~b false, abort ~c, apply ~d, gone 3"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, held := s.Names.Holder("lock"); held {
		t.Error("the dead hold it")
	}
	if n := len(s.Names.Changes()); n != 3 {
		t.Errorf("%d changes of names", n)
	}
}

// TestNobodys: what no part knows is refused, and changes nothing.
func TestNobodys(t *testing.T) {
	s, d := pair(t)
	before := s.Save(nil)
	for _, op := range []agreement.Op{"", "\x00", "\xff anything"} {
		if s.Prepare(op) {
			t.Errorf("%q is prepared", op)
		}
		s.Commit(op, false)
		s.Abort(op)
		s.Apply(op)
		if got := Describe(op); got != fmt.Sprintf("no operation: %x", string(op)) {
			t.Error(got)
		}
	}
	if !bytes.Equal(before, s.Save(nil)) || d.lines != nil {
		t.Errorf("changed: %v", d.lines)
	}
}

func TestDescribe(t *testing.T) {
	pair(t)
	if got := Describe(lock(t)); got != `lock "lock" by core 3` {
		t.Error(got)
	}
	if got := Describe("~x"); got != "diary ~x" {
		t.Error(got)
	}
}

// TestSaved: a state that was loaded is the one that was saved; whatever is not all of one
// is an error.
func TestSaved(t *testing.T) {
	s, d := pair(t)
	d.note("something")
	s.Commit(lock(t), false)
	saved := s.Save(nil)
	into, other := New(0, caps.Extent{Type: caps.RAM, Size: caps.PageSize}), &diary{}
	into.parts = append(into.parts[:1], other)
	if err := into.Load(saved); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(into.Save(nil), saved) || len(other.lines) != 1 {
		t.Errorf("%q, want %q", into.Save(nil), saved)
	}
	for n := range saved {
		if err := into.Load(saved[:n]); err == nil {
			t.Errorf("%d of %d bytes are a state", n, len(saved))
		}
	}
	if err := into.Load(append(bytes.Clone(saved), 0)); !errors.Is(err, errState) {
		t.Error(err)
	}
	d.lines = []string{"broken"}
	if err := into.Load(s.Save(nil)); err == nil || errors.Is(err, errState) {
		t.Error(err)
	}
}

// TestKinds: no operation belongs to two parts.
func TestKinds(t *testing.T) {
	if len(New(0, caps.Extent{Type: caps.RAM, Size: caps.PageSize}).parts) != len(kinds) {
		t.Errorf("%d parts of %d kinds", len(New(0, caps.Extent{Type: caps.RAM, Size: caps.PageSize}).parts), len(kinds))
	}
	owner := map[byte]int{}
	for i, k := range kinds {
		for b := int(k.first); b <= int(k.last); b++ {
			if j, taken := owner[byte(b)]; taken {
				t.Errorf("operations that begin with %#x are of parts %d and %d", b, j, i)
			}
			owner[byte(b)] = i
		}
	}
}

// TestVerb: the first byte of an operation says what it does.
func TestVerb(t *testing.T) {
	pair(t)
	for first, want := range map[byte]string{3: "lock", '~': "write", 0: "", 0x3f: "", 0xff: ""} {
		if got := Verb(first); got != want {
			t.Errorf("%#x: %q, want %q", first, got, want)
		}
	}
	if len(kinds) != 2 || ledgerVerb() != "take" {
		t.Error(ledgerVerb())
	}
}

func ledgerVerb() string { return ledger.Verb(ledger.First + 1) }
