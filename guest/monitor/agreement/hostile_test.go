package agreement

import (
	"encoding/binary"
	"errors"
	"testing"

	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/routes"
	"barreleye/urpc"
)

// accepts is a state that allows everything.
type accepts struct {
	committed int  // or applied
	prompt    bool // no operation may be late
}

func (*accepts) Prepare(Op) bool      { return true }
func (a *accepts) Commit(Op, bool)    { a.committed++ }
func (a *accepts) Late(Op, bool) bool { return !a.prompt }
func (*accepts) Abort(Op)             {}
func (a *accepts) Apply(Op)           { a.committed++ }
func (*accepts) Gone(int)             {}
func (*accepts) Save(b []byte) []byte { return b }
func (*accepts) Load(b []byte) error {
	if len(b) > 0 {
		return errors.New("not mine")
	}
	return nil
}

// TestLines: operations of every length cross, and nothing that is no line does.
func TestLines(t *testing.T) {
	var r Reader
	for n := range MaxOp + 1 {
		op := make([]byte, n)
		for i := range op {
			op[i] = byte(i + n)
		}
		want := Message{Kind: KindApply, Seq: uint64(n) + 1, All: n%2 == 0, Yes: n%3 == 0, Op: Op(op), Core: n * 4, Epoch: 1<<31 - 1 - uint64(n)}
		words := 0
		for words < n%17 {
			want.Set.Add(64*(n/17+words)%cores.Max + words)
			words++
		}
		for want.Set.Word(0) != 0 && want.Set.Word(cores.SetWords-1) != 0 {
			want.Set, words = cores.Set{}, 0
		}
		lines := want.AppendLines(nil)
		var m Message
		if fits := n+8*words <= 40; fits != (len(lines) == 1) {
			t.Fatalf("%d bytes in %d lines", n, len(lines))
		}
		one := urpc.Message{Words: [urpc.WordCount]uint64{6: 1}}
		if fits := n <= 40 && words == 0; want.Line(&one) != fits || fits && one != lines[0] {
			t.Fatalf("%d bytes in one line: %x, not %x", n, one, lines[0])
		}
		for i := range lines {
			whole, err := r.Take(&lines[i], &m)
			if last := i == len(lines)-1; err != nil || whole != last || last && m != want {
				t.Fatalf("%d bytes, line %d: %+v, %v, %v", n, i, m, whole, err)
			}
		}
	}
	long := Message{Kind: KindPrepare, Seq: 1, Op: Op(make([]byte, 100))}
	for name, spoil := range map[string]func([]urpc.Message) []urpc.Message{
		"type":        func(l []urpc.Message) []urpc.Message { l[0].Type += 2; return l },
		"length":      func(l []urpc.Message) []urpc.Message { l[0].Len--; return l },
		"kind":        func(l []urpc.Message) []urpc.Message { l[0].Words[0] |= 0xf; return l },
		"none":        func(l []urpc.Message) []urpc.Message { l[0].Words[0] &^= 0xf; return l },
		"too long":    func(l []urpc.Message) []urpc.Message { l[0].Words[0] |= 0xff << lengthShift; return l },
		"set":         func(l []urpc.Message) []urpc.Message { l[0].Words[0] |= 0x1f << wordsShift; return l },
		"end of set":  func(l []urpc.Message) []urpc.Message { l[0].Words[0] |= 0xf<<firstShift | 2<<wordsShift; return l },
		"seq":         func(l []urpc.Message) []urpc.Message { l[0].Words[1] = 0; return l },
		"more":        func(l []urpc.Message) []urpc.Message { return l[1:] },
		"first":       func(l []urpc.Message) []urpc.Message { return append(l[:1], l[0]) },
		"more at end": func(l []urpc.Message) []urpc.Message { return append(l, l[1]) },
	} {
		var r Reader
		var m Message
		var err error
		for _, l := range spoil(long.AppendLines(nil)) {
			if _, err = r.Take(&l, &m); err != nil {
				break
			}
		}
		if !errors.Is(err, urpc.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTooLong(t *testing.T) {
	m := New(0, &accepts{}, membership.View{Epoch: 1, Members: cores.First(2), Joining: membership.Nobody}, routes.Tree{})
	if list := m.Step(&Event{Kind: EventStart, Op: Op(make([]byte, MaxOp+1)), All: true}); len(list) != 1 || list[0].Outcome != TooLong {
		t.Errorf("%+v", list)
	}
}

// TestVoteOfOthers: a core that votes twice, or is not asked, decides nothing.
func TestVoteOfOthers(t *testing.T) {
	s := &accepts{}
	m := New(0, s, membership.View{Epoch: 1, Members: cores.First(4), Joining: membership.Nobody}, routes.Tree{})
	m.Step(&Event{Kind: EventStart, To: cores.Of(1, 2), TwoPhases: true})
	for _, from := range []int{1, 1, 3, 0} {
		m.Step(&Event{Kind: EventMessage, From: from, Message: Message{Kind: KindVote, Seq: 1, Yes: true, Epoch: 1}})
	}
	m.Step(&Event{Kind: EventMessage, From: 2, Message: Message{Kind: KindDone, Seq: 1, Epoch: 1}})
	m.Step(&Event{Kind: EventMessage, From: 3, Message: Message{Kind: KindVote, Seq: 1, Epoch: 1}})
	if s.committed != 0 {
		t.Error("committed without core 2")
	}
	list := m.Step(&Event{Kind: EventMessage, From: 2, Message: Message{Kind: KindVote, Seq: 1, Yes: true, Epoch: 1}})
	if s.committed != 0 || len(list) != 3 || list[0].Kind != ActRecord {
		t.Errorf("%d commits before the others are told, %+v", s.committed, list)
	}
	if !m.Finish() || m.Finish() || s.committed != 1 {
		t.Errorf("%d commits", s.committed)
	}
}

// TestLate: what is decided takes effect at its coordinator before anything else happens there,
// and at once where nobody else takes part, or where it may not be late.
func TestLate(t *testing.T) {
	for _, two := range []bool{false, true} {
		s := &accepts{}
		m := New(0, s, membership.View{Epoch: 1, Members: cores.First(2), Joining: membership.Nobody}, routes.Tree{})
		m.Start()
		begin := &Event{Kind: EventStart, Op: "op", All: true, TwoPhases: two}
		vote := &Event{Kind: EventMessage, From: 1, Message: Message{Kind: KindVote, Seq: 1, Yes: true, Epoch: 1}}
		m.Step(begin)
		if two {
			m.Step(vote)
		}
		if s.committed != 0 {
			t.Errorf("two phases %v: %d took effect before the other core was told", two, s.committed)
		}
		if m.Step(begin); s.committed != 1 {
			t.Errorf("two phases %v: %d took effect before the next began", two, s.committed)
		}
		if two {
			m.Hear(1, &Message{Kind: KindVote, Seq: 2, Yes: true, Epoch: 1})
		}
		if m.Hear(1, &Message{Kind: KindDone, Seq: 1, Epoch: 1}); s.committed != 2 {
			t.Errorf("two phases %v: %d took effect before something was heard", two, s.committed)
		}
		s.committed, s.prompt = 0, true
		m = New(0, s, membership.View{Epoch: 1, Members: cores.First(2), Joining: membership.Nobody}, routes.Tree{})
		m.Step(begin)
		if two {
			m.Step(vote)
		}
		if s.committed != 1 || m.Finish() {
			t.Errorf("two phases %v: late", two)
		}
		s.committed, s.prompt = 0, false
		m = New(0, s, membership.View{Epoch: 1, Members: cores.First(1), Joining: membership.Nobody}, routes.Tree{})
		list := m.Step(begin)
		if s.committed != 1 || m.Finish() || list[len(list)-1].Kind != ActResult {
			t.Errorf("two phases %v, alone: %d took effect, %+v", two, s.committed, list)
		}
	}
}

// TestLateAtOthers: so it is at a core that is asked, after that has answered.
func TestLateAtOthers(t *testing.T) {
	ask := &Event{Kind: EventMessage, From: 1, Message: Message{Kind: KindPrepare, Seq: 1, All: true, Op: "op", Core: 1, Epoch: 1}}
	for _, yes := range []bool{false, true} {
		for _, prompt := range []bool{false, true} {
			s := &accepts{prompt: prompt}
			m := New(0, s, membership.View{Epoch: 1, Members: cores.First(2), Joining: membership.Nobody}, routes.Tree{})
			m.Step(ask)
			list := m.Step(&Event{Kind: EventMessage, From: 1, Message: Message{Kind: KindDecide, Seq: 1, Yes: yes, Core: 1, Epoch: 1}})
			if len(list) != 1 || list[0].Message.Kind != KindDone {
				t.Errorf("decide %v: %+v", yes, list)
			}
			if s.committed != int(b2i(yes && prompt)) {
				t.Errorf("decide %v, prompt %v: %d took effect before the answer", yes, prompt, s.committed)
			}
			if late := yes && !prompt; m.Finish() != late || s.committed != int(b2i(yes)) {
				t.Errorf("decide %v, prompt %v: %d took effect", yes, prompt, s.committed)
			}
		}
	}
}

// TestBrokenSnapshot: a core whose sponsor sends nonsense goes on waiting for a state.
func TestBrokenSnapshot(t *testing.T) {
	m := New(1, &accepts{}, membership.View{Epoch: 2, Members: cores.First(2), Joining: 1, JoinEpoch: 2}, routes.Tree{})
	for _, a := range m.Step(&Event{Kind: EventSnapshot, Snapshot: Snapshot{Epoch: 2, State: []byte("?")}}) {
		t.Errorf("%+v", a)
	}
	if list := m.Step(&Event{Kind: EventStart, Tag: 7}); len(list) != 1 || list[0].Outcome != Busy {
		t.Errorf("%+v", list)
	}
	if list := m.Step(&Event{Kind: EventSnapshot, Snapshot: Snapshot{Epoch: 2, Members: cores.First(2)}}); len(list) != 1 || list[0].Kind != ActSettled {
		t.Errorf("%+v", list)
	}
}

// TestLateSponsor: a joining core hears of a view's sponsor, then of the one that had died
// before it, and sees the view last. It takes the state of that view.
func TestLateSponsor(t *testing.T) {
	m := New(3, &accepts{}, membership.View{Epoch: 2, Members: cores.First(4), Joining: 3, JoinEpoch: 2}, routes.Tree{})
	for _, epoch := range []uint64{5, 4, 3} {
		e := &Event{Kind: EventSnapshot, Snapshot: Snapshot{Epoch: epoch, Members: cores.Of(1, 2, 3)}}
		if list := m.Step(e); len(list) > 0 {
			t.Errorf("%+v", list)
		}
		e.Snapshot = Snapshot{} // whose next one has begun to come
	}
	view := membership.View{Epoch: 5, Members: cores.Of(2, 3), Joining: 3, JoinEpoch: 2}
	list := m.Step(&Event{Kind: EventView, View: view, Records: func(int) (r [Window]Record) { return r }})
	if len(list) != 1 || list[0].Kind != ActSettled || list[0].Epoch != 5 {
		t.Errorf("%+v", list)
	}
}

// FuzzStep: whatever lines come from other cores, a machine neither panics nor
// commits anything that they did not ask it to.
func FuzzStep(f *testing.F) {
	prepare := Message{Kind: KindPrepare, Seq: 3, All: true, Op: Op(make([]byte, 50)), Core: 1, Epoch: 2}
	decide := Message{Kind: KindDecide, Seq: 3, Yes: true, Core: 1, Epoch: 2, Set: cores.Of(0, 2)}
	apply := Message{Kind: KindApply, Seq: 4, All: true, Op: "op", Core: 1, Epoch: 2}
	call := Message{Kind: KindCall, Seq: 2, Epoch: 2, Set: cores.Of(cores.Max - 1)}
	var seed []byte
	for _, l := range call.AppendLines(apply.AppendLines(decide.AppendLines(prepare.AppendLines(nil)))) {
		seed = append(seed, 1|byte(l.Type)<<4)
		for _, w := range l.Words {
			seed = binary.LittleEndian.AppendUint64(seed, w)
		}
	}
	f.Add(seed, false, false)
	f.Add(seed, true, true)
	f.Fuzz(func(t *testing.T, data []byte, joins, inTree bool) {
		v := membership.View{Epoch: 2, Members: cores.First(3), Joining: membership.Nobody}
		if joins {
			v.Joining, v.JoinEpoch = 0, 2
		}
		s := &accepts{}
		var tree routes.Tree
		if inTree {
			tree = routes.Balanced(3)
		}
		m := New(0, s, v, tree)
		var readers [4]Reader
		var messages [4]Message
		asked := map[[2]uint64]bool{}
		for len(data) > 56 {
			from := int(data[0] % 4)
			line := urpc.Message{Type: TypeFirst + uint16(data[0]>>4), Len: urpc.MaxPayload}
			for i := range line.Words {
				line.Words[i] = binary.LittleEndian.Uint64(data[1+8*i:])
			}
			data = data[57:]
			msg := &messages[from]
			whole, err := readers[from].Take(&line, msg)
			if err != nil || !whole {
				continue
			}
			if msg.Kind == KindPrepare || msg.Kind == KindApply {
				asked[[2]uint64{uint64(msg.Core), msg.Seq}] = true
			}
			for _, a := range m.Step(&Event{Kind: EventMessage, From: from, Message: *msg}) {
				if a.Kind == ActCalled && !v.Members.Has(a.To) {
					t.Errorf("called by core %d, which there is not", a.To)
				}
			}
		}
		if s.committed > len(asked) {
			t.Errorf("%d commits of %d that were asked for", s.committed, len(asked))
		}
	})
}
