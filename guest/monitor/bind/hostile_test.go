package bind

import (
	"encoding/binary"
	"errors"
	"testing"

	"barreleye/devices/region"
	"barreleye/urpc"
)

var geometry = region.Geometry{Cores: 2, RingLines: 64, PoolPages: 64}

// listening is a machine that listens for "a", and dials the same.
func listening(t testing.TB) (*Machine, ID) {
	t.Helper()
	m := New(geometry)
	if _, err := m.Listen("a", region.ProfileLatency); err != nil {
		t.Fatal(err)
	}
	id, _, err := m.Dial(1, Request{Service: "a", Lines: 16, PeerLines: 64})
	if err != nil {
		t.Fatal(err)
	}
	return m, id
}

// TestHostileMessages: what no machine says ends the dials with that peer in
// ErrProtocol, and nothing of it gets into the directory.
func TestHostileMessages(t *testing.T) {
	request := message{kind: kindRequest, page: 4, lines: 16, peerLines: 16, epoch: 1, service: "a"}
	with := func(change func(*message)) (l urpc.Message) {
		m := request
		change(&m)
		return m.encode()
	}
	last := geometry.PoolPages - region.SidePages(16)
	for name, lines := range map[string][]urpc.Message{
		"other type":            {{Type: 5, Len: nameAt}},
		"other kind":            {with(func(m *message) { m.kind = 9 })},
		"side outside the pool": {with(func(m *message) { m.page = last + 1 })},
		"side far outside":      {with(func(m *message) { m.page = 1<<32 - 1 })},
		"ring too long":         {with(func(m *message) { m.lines = 1 << 20 })},
		"other ring too long":   {with(func(m *message) { m.peerLines = 1 << 15 })},
		"ring too short":        {with(func(m *message) { m.lines = 8 })},
		"profile":               {with(func(m *message) { m.profile = 2 })},
		"no epoch":              {with(func(m *message) { m.epoch = 0 })},
		"no name":               {with(func(m *message) { m.service = "" })},
		"slot":                  {with(func(m *message) { m.slot = geometry.Entries() })},
		"slot taken":            {request.encode(), request.encode()},
		"accept not asked for":  {with(func(m *message) { *m = message{kind: kindAccept, slot: 1, page: 1, lines: 64} })},
		"accept outside":        {with(func(m *message) { *m = message{kind: kindAccept, page: geometry.PoolPages - 1, lines: 64} })},
		"accept of other lines": {with(func(m *message) { *m = message{kind: kindAccept, page: 0, lines: 16} })},
		"accept of other gen":   {with(func(m *message) { *m = message{kind: kindAccept, gen: 1, page: 0, lines: 64} })},
		"refuse for no reason":  {with(func(m *message) { *m = message{kind: kindRefuse} })},
		"refuse for any reason": {with(func(m *message) { *m = message{kind: kindRefuse, reason: len(reasons)} })},
		"done before an answer": {with(func(m *message) { *m = message{kind: kindDone} })},
		"done twice": {
			request.encode(), with(func(m *message) { *m = message{kind: kindDone, mine: true} }), with(func(m *message) { *m = message{kind: kindDone, mine: true} }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, id := listening(t)
			var all []Action
			for i, l := range lines {
				actions, err := m.Receive(1, &l)
				all = append(all, actions...)
				if last := i == len(lines)-1; last != errors.Is(err, ErrProtocol) || last != errors.Is(err, urpc.ErrCorrupt) {
					t.Fatalf("line %d: %v", i, err)
				}
			}
			checkActions(t, all)
			if a := all[len(all)-1]; a.Kind != ActDialed || a.ID != id || !errors.Is(a.Err, ErrProtocol) {
				t.Errorf("the dial under way: %+v", a)
			}
			if _, _, err := m.Dial(1, Request{Service: "a", Lines: 16, PeerLines: 16}); !errors.Is(err, ErrProtocol) {
				t.Errorf("a new dial: %v", err)
			}
			l := request.encode()
			if actions, err := m.Receive(1, &l); actions != nil || err != nil {
				t.Errorf("it is still listened to: %v, %v", actions, err)
			}
			m.Gone(1)
			for id := range m.channels {
				m.Close(id)
			}
			if p := m.peers[1].pool; len(p.free) != 1 || p.free[0].pages != geometry.PoolPages {
				t.Errorf("after its death the pool has %v", p.free)
			}
		})
	}
}

// TestLastPage: a side may end where the pool does.
func TestLastPage(t *testing.T) {
	m, _ := listening(t)
	l := (&message{kind: kindRequest, page: geometry.PoolPages - region.SidePages(16), lines: 16, peerLines: 16, epoch: 9, service: "a"}).encode()
	if _, err := m.Receive(1, &l); err != nil {
		t.Error(err)
	}
	l = (&message{kind: kindAccept, page: geometry.PoolPages - region.SidePages(64), lines: 64}).encode()
	if _, err := m.Receive(1, &l); err != nil {
		t.Error(err)
	}
}

// TestRequests: what a program may not ask for is refused at once, by name.
func TestRequests(t *testing.T) {
	long := string(make([]byte, MaxService+1))
	for _, r := range []Request{
		{Service: "", Lines: 16, PeerLines: 16}, {Service: long, Lines: 16, PeerLines: 16},
		{Service: "a", Lines: 0, PeerLines: 16}, {Service: "a", Lines: 16, PeerLines: 24},
		{Service: "a", Lines: 32768, PeerLines: 16}, {Service: "a", Lines: 16, PeerLines: 16, Profile: 7},
	} {
		if _, _, err := New(geometry).Dial(1, r); !errors.Is(err, ErrRequest) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	m := New(geometry)
	n := 0
	for {
		if _, _, err := m.Dial(1, Request{Service: "a", Lines: 64, PeerLines: 16}); err != nil {
			if !errors.Is(err, ErrRoom) {
				t.Error(err)
			}
			break
		}
		n++
	}
	if n != 32 {
		t.Errorf("%d channels fit, want 32", n)
	}
	m.Gone(1)
	if _, _, err := m.Dial(1, Request{Service: "a", Lines: 16, PeerLines: 16}); !errors.Is(err, ErrGone) {
		t.Errorf("a dead peer: %v", err)
	}
	m.Listen("b", 0)
	if _, err := m.Listen("b", 0); !errors.Is(err, ErrListening) {
		t.Errorf("listening twice: %v", err)
	}
}

func checkActions(t testing.TB, actions []Action) {
	t.Helper()
	for _, a := range actions {
		e := a.Entry
		switch a.Kind {
		case ActPublish:
			if a.Slot >= geometry.Entries() || !geometry.Fits(e.Page, e.Lines) || e.Open && !geometry.Fits(e.PeerPage, e.PeerLines) {
				t.Fatalf("published in place %d: %+v", a.Slot, e)
			}
		case ActZero:
			if a.Page < 0 || a.Page+a.Pages > geometry.PoolPages {
				t.Fatalf("zeroed: %d pages from %d", a.Pages, a.Page)
			}
		}
	}
}

// FuzzReceive feeds a machine lines of any content, with closes in between.
func FuzzReceive(f *testing.F) {
	for _, m := range []message{
		{kind: kindRequest, page: 4, lines: 16, peerLines: 16, epoch: 1, service: "a"},
		{kind: kindRequest, slot: 1, page: 4, lines: 16, peerLines: 16, epoch: 1, service: "none", wait: true},
		{kind: kindAccept, page: 7, lines: 64}, {kind: kindRefuse, reason: 1}, {kind: kindDone}, {kind: kindDone, mine: true},
	} {
		l := m.encode()
		b := []byte{byte(l.Type), byte(l.Type >> 8), l.Len}
		for _, w := range l.Words {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		f.Add(append(b, b...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, id := listening(t)
		const size = 3 + 8*urpc.WordCount
		for ; len(b) >= size; b = b[size:] {
			l := urpc.Message{Type: uint16(b[0]) | uint16(b[1])<<8, Len: b[2]}
			for i := range l.Words {
				l.Words[i] = binary.LittleEndian.Uint64(b[3+8*i:])
			}
			actions, err := m.Receive(1, &l)
			if err != nil && !errors.Is(err, ErrProtocol) {
				t.Fatal(err)
			}
			for _, a := range actions {
				if a.Kind == ActOffered {
					checkActions(t, m.Close(a.ID))
				}
			}
			checkActions(t, actions)
		}
		m.GiveUp(id)
		m.Gone(1)
		if p := m.peers[1].pool; len(m.channels) != 0 || len(p.free) != 1 {
			t.Fatalf("%d channels are left, and of the pool %v", len(m.channels), p.free)
		}
	})
}
