package agreement

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"barreleye/guest/monitor/cores"
	"barreleye/urpc"
)

// TestRecords: records of every length are read as they were stored, in a place that held
// another one, and one that was erased is none.
func TestRecords(t *testing.T) {
	var w [RecordWords]uint64
	r := rand.New(rand.NewPCG(1, 1))
	for n := range MaxOp + 1 {
		op := make([]byte, n)
		for i := range op {
			op[i] = byte(r.Uint32())
		}
		want := Record{Seq: uint64(n) + 1, Epoch: r.Uint64(), Op: Op(op), All: n%2 == 0, Apply: n%3 == 0}
		for range n % 5 {
			want.To.Add(r.IntN(cores.Max))
		}
		want.Store(&w)
		if got := LoadRecord(&w); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
	new(Record).Store(&w)
	if got := LoadRecord(&w); got != (Record{}) {
		t.Errorf("erased: %+v", got)
	}
	(&Record{Seq: 1, Op: "x"}).Store(&w)
	for _, spoil := range []uint64{MaxOp + 1, 17 << toShift, ^uint64(0)} {
		bad := w
		bad[2] = spoil
		if got := LoadRecord(&bad); got != (Record{}) {
			t.Errorf("word 2 is %#x: %+v", spoil, got)
		}
	}
}

// TestSnapshotLines: snapshots of every length cross, and nothing that is none does.
func TestSnapshotLines(t *testing.T) {
	var r SnapshotReader
	for n := range 300 {
		want := Snapshot{Epoch: uint64(n) + 1, Members: cores.Of(0, n, 1023), State: make([]byte, n), Parts: map[int][Window]Ended{}}
		for i := range n % 4 {
			w := [Window]Ended{{uint64(n) << 40, true, false}, {1, false, true}}
			want.Parts[300*i] = w
		}
		for i := range want.State {
			want.State[i] = byte(i)
		}
		lines := want.AppendLines(nil)
		for i := range lines {
			s, whole, err := r.Take(&lines[i])
			if last := i == len(lines)-1; err != nil || whole != last || last && !reflect.DeepEqual(s, want) {
				t.Fatalf("state of %d bytes, line %d of %d: %+v, %v, %v; want %+v", n, i, len(lines), s, whole, err, want)
			}
		}
	}
	whole := Snapshot{Epoch: 1, Members: cores.First(9), State: make([]byte, 200), Parts: map[int][Window]Ended{3: {}}}
	for name, spoil := range map[string]func([]urpc.Message) []urpc.Message{
		"type":      func(l []urpc.Message) []urpc.Message { l[0].Type = TypeFirst; return l },
		"length":    func(l []urpc.Message) []urpc.Message { l[0].Len--; return l },
		"empty":     func(l []urpc.Message) []urpc.Message { l[0].Words[0] = 0; return l },
		"too long":  func(l []urpc.Message) []urpc.Message { l[0].Words[0] = MaxSnapshot + 1; return l },
		"more":      func(l []urpc.Message) []urpc.Message { return l[1:] },
		"first":     func(l []urpc.Message) []urpc.Message { return append(l[:1], l[0]) },
		"cut off":   func(l []urpc.Message) []urpc.Message { l[0].Words[0] = 5; return l },
		"no member": func(l []urpc.Message) []urpc.Message { l[0].Words[1] |= 0xffffff00; return l },
		"at end":    func(l []urpc.Message) []urpc.Message { return append(l, l[1]) },
	} {
		var r SnapshotReader
		var err error
		for _, l := range spoil(whole.AppendLines(nil)) {
			if _, _, err = r.Take(&l); err != nil {
				break
			}
		}
		if !errors.Is(err, urpc.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
