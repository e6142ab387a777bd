package requests

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/seeds"
	"barreleye/urpc"
)

// trial is a VMM and a core, and the lines that are under way between them.
type trial struct {
	simulate.Trial
	c        Client
	s        Server
	down, up []urpc.Message
	working  []Action
	want     map[uint64][]byte
	got      map[uint64]Answer
	givenUp  map[uint64]bool
	asked    int
	requests int // to be asked

	mutation mutation
}

// mutation is a way to carry lines wrongly.
type mutation uint8

const (
	correct  mutation = iota
	shuffled          // lines overtake each other
	doubled           // a line comes twice
	lost              // a line does not come
)

var types = [...]string{typeAsk: "ask", typeGiveUp: "give up", typePart: "part", typeDone: "done"}

func describe(m *urpc.Message) string {
	w := m.Words
	switch m.Type {
	case typeAsk:
		return fmt.Sprintf("ask %d: %v", w[0], Kind(w[1]))
	case typePart:
		return fmt.Sprintf("part %d of %d: %d bytes", w[0]>>32, uint32(w[0]), m.Len-8)
	case typeDone:
		return fmt.Sprintf("done %d: %d parts, outcome %d", w[0], w[1], w[2])
	}
	return fmt.Sprintf("%s %d", types[m.Type], w[0])
}

// next takes the line that arrives.
func (t *trial) next(lines *[]urpc.Message) urpc.Message {
	c := t.Choices
	at := 0
	if t.mutation == shuffled {
		at = c.N(len(*lines))
	}
	m := (*lines)[at]
	if t.mutation != doubled || !c.One(20) {
		*lines = slices.Delete(*lines, at, at+1)
	}
	if t.mutation == lost && c.One(20) && len(*lines) > 0 {
		*lines = (*lines)[1:]
	}
	return m
}

// steps returns what may happen now.
func (t *trial) steps() (list []func() error) {
	c := t.Choices
	if t.asked < t.requests && t.c.Open() < 2*MaxOpen {
		list = append(list, func() error {
			id, m := t.c.Ask(Kind(1+c.N(int(kinds))), uint64(c.N(1<<20)))
			t.down, t.want[id] = append(t.down, m), nil
			t.asked++
			t.Note("VMM  %s", describe(&m))
			return nil
		})
	}
	if t.asked > 0 && c.One(12) {
		list = append(list, func() error {
			id := 1 + uint64(c.N(t.asked))
			if m, ok := t.c.GiveUp(id); ok {
				t.down, t.givenUp[id] = append(t.down, m), true
				t.Note("VMM  %s", describe(&m))
			}
			return nil
		})
	}
	if len(t.down) > 0 {
		list = append(list, func() error {
			m := t.next(&t.down)
			a, act, err := t.s.Receive(&m)
			if act {
				t.working = append(t.working, a)
			}
			return err
		})
	}
	if len(t.working) > 0 {
		list = append(list, func() error { t.answer(); return nil })
	}
	if m, ok := t.s.Next(); ok { // it is sent at once, but arrives at any time
		t.up = append(t.up, m)
		t.Note("core %s", describe(&m))
	}
	if len(t.up) > 0 {
		list = append(list, func() error {
			m := t.next(&t.up)
			a, done, err := t.c.Receive(&m)
			if err != nil || !done {
				return err
			}
			if _, twice := t.got[a.ID]; twice {
				return fmt.Errorf("request %d was answered twice", a.ID)
			}
			t.got[a.ID] = a
			t.Note("VMM  has the answer to %d: %d bytes, error %v", a.ID, len(a.Data), a.Err != nil)
			return nil
		})
	}
	return list
}

// answer ends one of the things that the core works on.
func (t *trial) answer() {
	c := t.Choices
	i := c.N(len(t.working))
	if a := t.working[i]; !a.GiveUp {
		data := make([]byte, c.N(500))
		for i := range data {
			data[i] = byte(a.ID) + byte(i)
		}
		var err error
		if c.One(5) {
			err = errors.New(string(data))
		}
		t.want[a.ID] = data
		t.Note("core ends its work for %d: %d bytes, error %v", a.ID, len(data), err != nil)
		t.s.Answer(a.ID, data, err)
	}
	t.working = slices.Delete(t.working, i, i+1)
}

func run(s simulate.Trial, requests int, wrong mutation) error {
	t := &trial{Trial: s, requests: requests, want: map[uint64][]byte{}, got: map[uint64]Answer{}, givenUp: map[uint64]bool{}, mutation: wrong}
	for {
		list := t.steps()
		if len(list) == 0 {
			break
		}
		if err := list[t.Choices.N(len(list))](); err != nil {
			return err
		}
	}
	for id := range uint64(t.asked) {
		id++
		a, ok := t.got[id]
		text := string(a.Data)
		if a.Err != nil {
			text = a.Err.Error()
		}
		switch {
		case ok == t.givenUp[id]:
			return fmt.Errorf("request %d: given up %v, answered %v", id, t.givenUp[id], ok)
		case ok && a.Err != ErrBusy && a.Err != ErrKind && text != string(t.want[id]):
			return fmt.Errorf("request %d: %d bytes arrived of %d", id, len(text), len(t.want[id]))
		}
	}
	if len(t.s.open) != 0 || t.c.Open() != 0 {
		return fmt.Errorf("%d requests are left on the core, %d at the VMM", len(t.s.open), t.c.Open())
	}
	return nil
}

// TestSimulation: whatever the sizes, and however the lines of both sides and the ends of
// the work alternate, each request gets its own answer or error, once, and one that was
// given up gets none.
func TestSimulation(t *testing.T) { seeds.Test(t, 10_000, runs(correct)) }

func runs(wrong mutation) seeds.Run {
	return func(s simulate.Trial) error { return run(s, 40, wrong) }
}

// TestMutations: channels that do not keep what was sent, and its order, are found out.
func TestMutations(t *testing.T) {
	seeds.Mutations(t, 1000, map[string]mutation{"shuffled": shuffled, "doubled": doubled, "lost": lost}, runs)
}

// TestTranscript shows what is said in a short run.
func TestTranscript(t *testing.T) {
	seeds.Transcripts(t, map[string]simulate.Trial{"requests": {Choices: simulate.Seeded(1, false)}},
		func(s simulate.Trial) error { return run(s, 6, correct) })
}

// TestSmallAnswersOvertake: an answer of a few bytes does not wait for one of megabytes.
func TestSmallAnswersOvertake(t *testing.T) {
	var c Client
	var s Server
	for range 2 {
		_, m := c.Ask(Stacks, 0)
		if _, act, err := s.Receive(&m); !act || err != nil {
			t.Fatal(act, err)
		}
	}
	s.Answer(1, make([]byte, 1<<20), nil)
	s.Answer(2, []byte("small"), nil)
	for lines := 1; ; lines++ {
		m, _ := s.Next()
		a, done, err := c.Receive(&m)
		if err != nil {
			t.Fatal(err)
		}
		if done {
			if a.ID != 2 || string(a.Data) != "small" || lines > 4 {
				t.Errorf("answer %d, %q, after %d lines", a.ID, a.Data, lines)
			}
			return
		}
	}
}

// TestRefusals: too many requests, unknown ones and answers that are too large end in
// errors that say so.
func TestRefusals(t *testing.T) {
	var c Client
	var s Server
	ask := func(k Kind) (begun bool) {
		_, m := c.Ask(k, 0)
		_, begun, err := s.Receive(&m)
		if err != nil {
			t.Fatal(err)
		}
		return begun
	}
	answer := func() Answer {
		for {
			m, ok := s.Next()
			if !ok {
				t.Fatal("there is no answer")
			}
			if a, done, err := c.Receive(&m); err != nil {
				t.Fatal(err)
			} else if done {
				return a
			}
		}
	}
	if ask(kinds) || answer().Err != ErrKind {
		t.Error("an unknown kind is not refused")
	}
	for range MaxOpen {
		if !ask(Heap) {
			t.Fatal("refused")
		}
	}
	if ask(Heap) || answer().Err != ErrBusy {
		t.Error("one request more than there may be is not refused")
	}
	s.Answer(2, make([]byte, MaxAnswer+1), nil)
	if a := answer(); a.ID != 2 || a.Err == nil || !strings.Contains(a.Err.Error(), "larger than 16 MiB") {
		t.Errorf("%+v", a)
	}
	s.Answer(3, make([]byte, MaxAnswer), nil)
	if a := answer(); a.Err != nil || len(a.Data) != MaxAnswer {
		t.Errorf("%d bytes, %v", len(a.Data), a.Err)
	}
}

// TestProfileNames: names lead to their kinds and back.
func TestProfileNames(t *testing.T) {
	for _, name := range Profiles() {
		if k, ok := ProfileOf(name); !ok || k.String() != name || k == Stacks {
			t.Errorf("%q is %v", name, k)
		}
	}
	for _, name := range []string{"", "stacks", "cups"} {
		if k, ok := ProfileOf(name); ok {
			t.Errorf("%q is %v", name, k)
		}
	}
}

// lines cuts bytes into lines of which anything may be wrong.
func lines(b []byte) (list []urpc.Message) {
	for len(b) >= 6 {
		m := urpc.Message{Type: uint16(b[0] & 7), Len: b[1] & 63}
		m.Words[0] = uint64(b[2]&15) | uint64(b[3]&7)<<32
		m.Words[1], m.Words[2] = uint64(b[4]&15), uint64(b[5]&7)
		list, b = append(list, m), b[6:]
	}
	return list
}

// FuzzClient: whatever a core sends, the VMM's side keeps no more than it may, and says
// ErrLine for what does not belong there.
func FuzzClient(f *testing.F) {
	f.Add([]byte{3, 16, 1, 0, 0, 0, 3, 16, 1, 1, 0, 0, 4, 24, 1, 0, 2, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var c Client
		for range 3 {
			c.Ask(Stacks, 0)
		}
		c.GiveUp(2)
		ended := map[uint64]bool{}
		for _, m := range lines(b) {
			a, done, err := c.Receive(&m)
			if err != nil && !errors.Is(err, ErrLine) || done && (err != nil || a.ID == 2 || a.ID == 0 || a.ID > 3 || ended[a.ID]) {
				t.Fatalf("%+v: %+v, %v, %v", m, a, done, err)
			}
			if err != nil {
				return
			}
			if done {
				ended[a.ID] = true
			}
		}
	})
}

// FuzzServer: whatever the VMM's page holds, the core's side says what it is or ErrLine.
func FuzzServer(f *testing.F) {
	f.Add([]byte{1, 24, 1, 0, 2, 0, 2, 8, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Server
		for _, m := range lines(b) {
			a, act, err := s.Receive(&m)
			if err != nil {
				if !errors.Is(err, ErrLine) || act {
					t.Fatal(err, act)
				}
				return
			}
			if act && !a.GiveUp {
				s.Answer(a.ID, binary.LittleEndian.AppendUint64(nil, a.ID), nil)
			}
			for range 3 {
				s.Next()
			}
		}
	})
}

// TestHostileCore: lines that are almost right are refused.
func TestHostileCore(t *testing.T) {
	for name, bad := range map[string][]urpc.Message{
		"a request nobody made":  {line(typeDone, 2, 0, 0)},
		"a part out of turn":     {part(1, 1, "x")},
		"a part after a short":   {part(1, 0, "short"), part(1, 1, "more")},
		"fewer parts than came":  {part(1, 0, "x"), line(typeDone, 1, 0, 0)},
		"an unknown outcome":     {line(typeDone, 1, 0, 9)},
		"an end twice":           {line(typeDone, 1, 0, 0), line(typeDone, 1, 0, 0)},
		"a line of the VMM's":    {line(typeAsk, 1, 1, 0)},
		"an empty part":          {line(typePart, 1)},
		"a done line cut short":  {line(typeDone, 1, 0)},
		"a type that is unknown": {line(77, 1, 0, 0)},
	} {
		var c Client
		c.Ask(Stacks, 0)
		var err error
		for i := range bad {
			if err != nil {
				t.Errorf("%s: refused too early: %v", name, err)
			}
			_, _, err = c.Receive(&bad[i])
		}
		if !errors.Is(err, ErrLine) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEndlessAnswer: a core that goes on sending is cut off.
func TestEndlessAnswer(t *testing.T) {
	var c Client
	c.Ask(Stacks, 0)
	full := string(bytes.Repeat([]byte{'x'}, partBytes))
	for n := uint64(0); ; n++ {
		m := part(1, n, full)
		if _, _, err := c.Receive(&m); err != nil {
			if !errors.Is(err, ErrLine) || n*partBytes < MaxAnswer {
				t.Error(n, err)
			}
			return
		}
		if n*partBytes > MaxAnswer {
			t.Fatalf("%d bytes are kept", n*partBytes)
		}
	}
}

func part(id, number uint64, text string) urpc.Message {
	var s Server
	s.open = []*answer{{id: id, ready: true, data: []byte(text), parts: number}}
	m, ok := s.Next()
	if !ok {
		panic(fmt.Sprint("no part of ", text))
	}
	return m
}
