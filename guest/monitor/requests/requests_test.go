package requests

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"barreleye/urpc"
)

// TestAnswersArriveWhole: whatever the sizes, and however the lines of both sides and the
// ends of the work alternate, each request gets its own answer or error, once, and one
// that was given up gets none.
func TestAnswersArriveWhole(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var c Client
		var s Server
		var down, up []urpc.Message // lines under way
		want, got, working := map[uint64][]byte{}, map[uint64]Answer{}, []Action{}
		givenUp := map[uint64]bool{}
		asked := 0
		for asked < 40 || c.Open() > 0 {
			switch rng.IntN(6) {
			case 0:
				if asked < 40 && c.Open() < 2*MaxOpen {
					id, m := c.Ask(Kind(1+rng.IntN(int(kinds))), rng.Uint64())
					down = append(down, m)
					want[id] = nil
					asked++
				}
			case 1:
				if asked > 0 && rng.IntN(10) == 0 {
					id := 1 + rng.Uint64N(uint64(asked))
					if m, ok := c.GiveUp(id); ok {
						down = append(down, m)
						givenUp[id] = true
					}
				}
			case 2:
				if len(down) > 0 {
					a, act, err := s.Receive(&down[0])
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					if down = down[1:]; act {
						working = append(working, a)
					}
				}
			case 3:
				if n := len(working); n > 0 {
					i := rng.IntN(n)
					if a := working[i]; !a.GiveUp {
						id := a.ID
						data := make([]byte, rng.IntN(500))
						for i := range data {
							data[i] = byte(id) + byte(i)
						}
						var err error
						if rng.IntN(5) == 0 {
							err = errors.New(string(data))
						}
						want[id] = data
						s.Answer(id, data, err)
					}
					working = slices.Delete(working, i, i+1)
				}
			case 4:
				if m, ok := s.Next(); ok {
					up = append(up, m)
				}
			case 5:
				if len(up) > 0 {
					a, done, err := c.Receive(&up[0])
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					if up = up[1:]; done {
						if _, twice := got[a.ID]; twice {
							t.Fatalf("seed %d: request %d was answered twice", seed, a.ID)
						}
						got[a.ID] = a
					}
				}
			}
		}
		for id, data := range want {
			a, ok := got[id]
			text := string(a.Data)
			if a.Err != nil {
				text = a.Err.Error()
			}
			switch {
			case ok == givenUp[id]:
				t.Errorf("seed %d: request %d: given up %v, answered %v", seed, id, givenUp[id], ok)
			case ok && a.Err != ErrBusy && a.Err != ErrKind && text != string(data):
				t.Errorf("seed %d: request %d: %d bytes arrived of %d", seed, id, len(text), len(data))
			}
		}
		if len(s.open) != 0 {
			t.Errorf("seed %d: %d requests are left on the core", seed, len(s.open))
		}
	}
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
