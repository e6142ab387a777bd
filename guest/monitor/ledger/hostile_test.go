package ledger

import (
	"errors"
	"testing"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
)

// FuzzOps: whatever operations a faulty core has had agreed on, in whatever order, prepared
// or not, no ledger panics, and all that is to hold holds.
func FuzzOps(f *testing.F) {
	l := New(0, ram(0, 16))
	f.Add([]byte(l.mustEnter()))
	var seed []byte
	for _, op := range valid() {
		seed = append(append(seed, byte(len(op))), op...)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		l := New(1, ram(0, 16))
		for len(data) > 1 {
			n := min(int(data[0]), len(data)-1)
			op := agreement.Op(data[1 : 1+n])
			data = data[1+n:]
			_ = Describe(op)
			switch n % 5 {
			case 0:
				l.Gone(n / 5 % 4)
			case 1:
				l.Commit(op, false)
			case 2:
				l.Abort(op)
			default:
				l.Commit(op, l.Prepare(op))
			}
			l.Apply(op)
			if err := l.Check(); err != nil {
				t.Fatalf("after %s: %v", Describe(op), err)
			}
			for _, c := range l.Changes() {
				if c.Event == 0 {
					t.Errorf("%+v", c)
				}
			}
		}
		m := New(2, ram(0, 16))
		if err := m.Load(l.Save(nil)); err != nil {
			t.Fatalf("what %v is saved as cannot be loaded: %v", l.Entries(), err)
		}
		if string(m.Save(nil)) != string(l.Save(nil)) {
			t.Errorf("%v is loaded as %v", l.Entries(), m.Entries())
		}
	})
}

// FuzzLoad: no sponsor can make a core that joins panic, or hold what cannot be.
func FuzzLoad(f *testing.F) {
	l := New(0, ram(0, 16))
	f.Add(l.Save(nil))
	for _, op := range valid() {
		l.Commit(op, false)
	}
	f.Add(l.Save(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := New(1, ram(0, 16))
		if l.Load(data) == nil {
			if err := l.Check(); err != nil {
				t.Error(err)
			}
		} else if len(l.Entries()) > 0 {
			t.Error("what was not loaded has changed something")
		}
	})
}

func (l *Ledger) mustEnter() agreement.Op {
	op, err := l.Enter()
	if err != nil {
		panic(err)
	}
	return op
}

// valid are operations of cores 0 and 1, one of each kind, in an order in which they can be.
func valid() (list []agreement.Op) {
	a, b := New(0, ram(0, 16)), New(1, ram(0, 16))
	id := ID(0)
	do := func(op agreement.Op, err error) {
		if err != nil {
			panic(err)
		}
		list = append(list, op)
		for _, l := range []*Ledger{a, b} {
			l.Commit(op, l.Prepare(op))
		}
		if first, _ := (&Ledger{}).Made(op); first != 0 {
			id = first
		}
	}
	do(a.Enter())
	do(b.Enter())
	do(a.Take(ram(0, 4)))
	block := id
	do(a.Send(block, 1, caps.All, 3))
	do(b.Retype(block, caps.RAM, 0, page, 2, caps.All))
	do(b.Share(id, ram(0, 1), caps.All, 0, caps.All, 4))
	do(b.Move(id, 0, caps.All, 5))
	do(a.Drop(id))
	do(a.Revoke(block, ram(0, 4)))
	do(a.Give(block))
	return list
}

// TestCutOff: an operation that lost its end, or got a longer one, is none.
func TestCutOff(t *testing.T) {
	for _, op := range valid() {
		for n := range len(op) {
			if _, ok := decode(op[:n]); ok {
				t.Errorf("%s: %d of its bytes are one too", Describe(op), n)
			}
		}
		if _, ok := decode(op + "\x00"); ok {
			t.Errorf("%s: goes on behind its end", Describe(op))
		}
		if o, ok := decode(op); !ok || o.encode() != op || len(op) > agreement.MaxOp {
			t.Errorf("%s is another one written down again, of %d bytes", Describe(op), len(op))
		}
	}
}

// TestLongest: the longest operation that an honest core makes has 64 bytes.
func TestLongest(t *testing.T) {
	o := operation{kind: opShare, core: 1023, life: maxLife, entry: 1<<64 - 1, to: 1023, toLife: maxLife, rights: caps.All, own: caps.All,
		tag: 1<<64 - 1, first: newID(1023, maxLife, maxNumber), extent: caps.Extent{Type: caps.Frame, Base: 1<<63 + 1<<62, Size: 1<<52 - page}, count: 1}
	if got, ok := decode(o.encode()); !ok || got != o || len(o.op) > 64 {
		t.Errorf("%d bytes, %v, %+v", len(o.op), ok, got)
	}
}

// TestMalformed: nothing that makes no sense is an operation, and none of it is agreed to.
func TestMalformed(t *testing.T) {
	l := New(0, ram(0, 16))
	good := operation{kind: opRetype, core: 1, life: 1, entry: newID(1, 1, 1), first: newID(1, 1, 2), extent: ram(0, 1), count: 1, rights: caps.All}
	if _, ok := decode(good.encode()); !ok {
		t.Fatal("what is spoiled below is no operation either")
	}
	for name, spoil := range map[string]func(*operation){
		"kind":         func(o *operation) { o.kind = opEnd },
		"kind below":   func(o *operation) { o.kind = First - 1 },
		"rights":       func(o *operation) { o.rights = 0x40 },
		"own rights":   func(o *operation) { o.own = 0x80 },
		"core":         func(o *operation) { o.core = 1024 },
		"to":           func(o *operation) { o.to = 1024 },
		"life":         func(o *operation) { o.life = 0 },
		"life above":   func(o *operation) { o.life = maxLife + 1 },
		"no entry":     func(o *operation) { o.entry = 0 },
		"entry":        func(o *operation) { o.kind = opTake },
		"type":         func(o *operation) { o.extent.Type = 99 },
		"other type":   func(o *operation) { o.extent.Type = caps.CNode },
		"taken frame":  func(o *operation) { o.kind, o.entry, o.extent.Type = opTake, 0, caps.Frame },
		"odd":          func(o *operation) { o.extent.Base++ },
		"no size":      func(o *operation) { o.extent.Size = 0 },
		"none":         func(o *operation) { o.count = 0 },
		"many":         func(o *operation) { o.count = MaxRetype + 1 },
		"shares two":   func(o *operation) { o.kind, o.count = opShare, 2 },
		"round":        func(o *operation) { o.extent.Base, o.count = ^uint64(page-1), 2 },
		"huge":         func(o *operation) { o.extent.Size, o.count = 1<<63, 4 },
		"other's ID":   func(o *operation) { o.first = newID(2, 1, 2) },
		"other life's": func(o *operation) { o.first = newID(1, 2, 2) },
		"last ID":      func(o *operation) { o.first, o.count = newID(1, 1, maxNumber), 2 },
		"revoked part": func(o *operation) { o.kind, o.extent.Size = opRevoke, 1 },
	} {
		o := good
		spoil(&o)
		op := o.encode()
		if _, ok := decode(op); ok || l.Prepare(op) {
			t.Errorf("%s: %s", name, Describe(op))
		}
		l.Commit(op, false)
		if first, n := (&Ledger{}).Made(op); first != 0 || n != 0 {
			t.Errorf("%s: makes %v", name, first)
		}
	}
	if len(l.Changes()) > 0 {
		t.Error("something has happened")
	}
	if s := Describe("\xff"); s != "no operation on the ledger: ff" {
		t.Error(s)
	}
}

// TestLate: who says that an operation has taken effect at its core has let go of what that
// takes, and only who gives something away lets go of it before the others are told.
func TestLate(t *testing.T) {
	var l Ledger
	for k := kind(First); k < opEnd; k++ {
		op := agreement.Op([]byte{byte(k)})
		if own := l.Late(op, true); own != (k != opMove) || l.Late(op, false) {
			t.Errorf("%s: late at its coordinator: %v, at others: %v", Verb(byte(k)), own, l.Late(op, false))
		}
	}
	if l.Late("", true) {
		t.Error("nothing is late")
	}
}

// TestLies: operations that are well written and untrue are not agreed to; had agreed on all
// the same, they do nothing.
func TestLies(t *testing.T) {
	l := New(2, ram(0, 16))
	ops := valid()
	for _, op := range ops[:5] { // core 0 has a block, core 1 two pieces of it
		l.Commit(op, l.Prepare(op))
	}
	take := operation{kind: opTake, core: 1, life: 1, first: newID(1, 1, 9), extent: ram(8, 1), count: 1}
	if !l.Prepare(take.encode()) {
		t.Fatal("what is spoiled below is refused anyway")
	}
	under := take
	under.extent = ram(9, 1)
	if l.Prepare(under.encode()) {
		t.Error("two entries of one name are under way")
	}
	l.Abort(take.op)
	first, _ := (&Ledger{}).Made(ops[2])
	l.Changes()
	saved := string(l.Save(nil))
	for name, o := range map[string]operation{
		"a name that is there": {kind: opTake, core: 0, life: 1, first: first, extent: ram(8, 1), count: 1},
		"memory that is taken": {kind: opTake, core: 1, life: 1, first: newID(1, 1, 9), extent: ram(3, 2), count: 1},
		"memory outside":       {kind: opTake, core: 1, life: 1, first: newID(1, 1, 9), extent: ram(15, 2), count: 1},
		"memory outside of it": {kind: opRetype, core: 0, life: 1, entry: first, first: newID(0, 1, 9), extent: ram(4, 1), count: 1, rights: caps.All},
		"a core that is dead":  {kind: opTake, core: 3, life: 1, first: newID(3, 1, 9), extent: ram(8, 1), count: 1},
		"another life":         {kind: opEnter, core: 0, life: 1},
		"no entry":             {kind: opDrop, core: 0, life: 1, entry: 99},
		"another's":            {kind: opDrop, core: 1, life: 1, entry: newID(0, 1, 9)},
		"revoked by another":   {kind: opRevoke, core: 5, life: 1, entry: first, extent: ram(0, 4)},
	} {
		op := o.encode()
		if _, ok := decode(op); !ok || l.Prepare(op) {
			t.Errorf("%s: %s is agreed to, or malformed", name, Describe(op))
		}
		l.Commit(op, false)
		if len(l.Changes()) > 0 || string(l.Save(nil)) != saved || l.Check() != nil {
			t.Errorf("%s: %s has changed something", name, Describe(op))
		}
	}
}

// TestFormerLife: what a core began in its former life, or was to be given in it, is nothing
// to its next one.
func TestFormerLife(t *testing.T) {
	l := New(2, ram(0, 16))
	ops := valid()
	for _, op := range ops[:3] {
		l.Commit(op, false)
	}
	block, _ := (&Ledger{}).Made(ops[2])
	send := ops[3] // to core 1
	late := operation{kind: opTake, core: 1, life: 1, first: newID(1, 1, 9), extent: ram(8, 1), count: 1}
	if !l.Prepare(send) || !l.Prepare(late.encode()) {
		t.Fatal("core 1 lives")
	}
	l.Abort(late.op)
	l.Gone(1)
	again := operation{kind: opEnter, core: 1, life: 2}
	l.Commit(again.encode(), l.Prepare(again.op))
	if l.Prepare(late.op) || !l.Entered(1) {
		t.Error("core 1 is in its second life")
	}
	l.Commit(send, true)
	if _, held := l.Rights(block, 1); held {
		t.Error("core 1 has what it was sent in its first life")
	}
	first := operation{kind: opEnter, core: 1, life: 1}
	if l.Commit(first.encode(), l.Prepare(first.op)); l.lives.of(1) != (life{2, true}) {
		t.Errorf("core 1 is in life %v", l.lives.of(1))
	}
}

// TestBrokenState: what is no ledger's state is not loaded.
func TestBrokenState(t *testing.T) {
	l := New(0, ram(0, 16))
	for _, op := range valid()[:5] {
		l.Commit(op, false)
	}
	saved := l.Save(nil)
	m := New(3, ram(0, 16))
	if err := m.Load(saved); err != nil || string(m.Save(nil)) != string(saved) {
		t.Fatal(err)
	}
	if err := New(3, ram(0, 8)).Load(saved); !errors.Is(err, errSaved) {
		t.Errorf("of other memory: %v", err)
	}
	for n := range saved {
		if err := m.Load(saved[:n]); err == nil {
			t.Errorf("%d bytes of %d are a state", n, len(saved))
		}
	}
	if err := m.Load(append(saved, 0)); err == nil {
		t.Error("a state goes on behind its end")
	}
	for name, damage := range map[string]func(*Ledger, *entry){
		"holder": func(l *Ledger, e *entry) { e.hold(5, 1) },
		"type":   func(l *Ledger, e *entry) { e.extent.Type = caps.CNode },
		"nobody": func(l *Ledger, e *entry) { e.holders = nil; e.chosen = nobody },
		"owner":  func(l *Ledger, e *entry) { e.chosen = 7 },
		"parent": func(l *Ledger, e *entry) { e.parent = &entry{id: 77} },
		"twice":  func(l *Ledger, e *entry) { e.children[0].id = e.id },
		"out":    func(l *Ledger, e *entry) { e.children[0].extent.Base -= page },
	} {
		if err := l.Load(saved); err != nil {
			t.Fatal(err)
		}
		damage(l, l.area.children[0])
		if l.Check() == nil {
			t.Errorf("%s: Check finds nothing", name)
		}
		if m.Load(l.Save(nil)) == nil {
			t.Errorf("%s: is loaded", name)
		}
	}
	for name, damage := range map[string]func(*Ledger, *entry){
		"overlap": func(l *Ledger, e *entry) { e.children[1].extent.Base = e.children[0].extent.Base },
		"lost":    func(l *Ledger, e *entry) { e.children = e.children[:1] },
		"type":    func(l *Ledger, e *entry) { e.extent.Type = caps.Frame },
	} {
		if err := l.Load(saved); err != nil {
			t.Fatal(err)
		}
		damage(l, l.area.children[0])
		if l.Check() == nil {
			t.Errorf("%s: Check finds nothing", name)
		}
	}
}
