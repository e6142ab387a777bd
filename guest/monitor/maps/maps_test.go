package maps

import (
	"math/rand/v2"
	"slices"
	"testing"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

// model is the slow reference: one kind per page, 0 for unmapped.
type model [256]uint8

func (m *model) check(t *testing.T, tab *Table, step int) {
	t.Helper()
	var got model
	last := uint64(0)
	for i := range tab.Len() {
		e := tab.At(i)
		if e.Start < last || e.Start >= e.End {
			t.Fatalf("step %d: entry %d [%#x,%#x) out of order", step, i, e.Start, e.End)
		}
		if i > 0 && tab.At(i-1).End == e.Start && same(tab.At(i-1), e) {
			t.Fatalf("step %d: entries %d and %d not joined", step, i-1, i)
		}
		last = e.End
		for p := e.Start; p < e.End; p++ {
			got[p] = e.Kind
		}
	}
	if got != *m {
		t.Fatalf("step %d: table differs from model", step)
	}
}

func TestTableAgainstModel(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		var tab Table
		var m model
		for step := range 400 {
			start := uint64(r.IntN(250))
			end := start + 1 + uint64(r.IntN(5))
			free := true
			for p := start; p < end; p++ {
				free = free && m[p] == 0
			}
			if tab.Free(start, end) != free {
				t.Fatalf("seed %d step %d: Free(%d,%d) != %v", seed, step, start, end, free)
			}
			if r.IntN(3) > 0 {
				kind := uint8(1 + r.IntN(3))
				if tab.Insert(boot.Mapping{Start: start, End: end, Kind: kind}) != free {
					t.Fatalf("seed %d step %d: Insert != %v", seed, step, free)
				}
				if free {
					for p := start; p < end; p++ {
						m[p] = kind
					}
				}
			} else {
				tab.Remove(start, end)
				for p := start; p < end; p++ {
					m[p] = 0
				}
			}
			m.check(t, &tab, step)
			a := uint64(r.IntN(256))
			e, ok := tab.Lookup(a)
			if ok != (m[a] != 0) || ok && e.Kind != m[a] {
				t.Fatalf("seed %d step %d: Lookup(%d)", seed, step, a)
			}
			next, found := tab.Next(a)
			for a < 256 && m[a] == 0 {
				a++
			}
			if found != (a < 256) || found && (next.Start > a || next.End <= a) {
				t.Fatalf("seed %d step %d: next is %v, %+v; page %d is", seed, step, found, next, a)
			}
			size := uint64(1 + r.IntN(8))
			if g := tab.Gap(size, 1, 1, 256); g != 0 && !tab.Free(g, g+size) {
				t.Fatalf("seed %d step %d: Gap(%d) = %d is taken", seed, step, size, g)
			}
		}
	}
}

func TestTableFull(t *testing.T) {
	var tab Table
	for i := range uint64(Max) {
		if !tab.Insert(boot.Mapping{Start: 4 * i, End: 4*i + 3}) {
			t.Fatalf("insert %d refused", i)
		}
	}
	if tab.Room(1) || !tab.Room(0) {
		t.Error("a full table has room")
	}
	if tab.Insert(boot.Mapping{Start: 1 << 40, End: 1<<40 + 1}) {
		t.Error("insert into a full table succeeded")
	}
	if tab.Remove(1, 2) {
		t.Error("cutting a mapping in two in a full table succeeded")
	}
	if !tab.Remove(0, 3) || tab.Len() != Max-1 {
		t.Error("removing a whole mapping failed")
	}
	if !tab.Room(1) || tab.Room(2) {
		t.Error("a table with one place has other room than one")
	}
	some := make([]boot.Mapping, 2)
	if n := tab.Copy(some); n != 2 || some[0] != tab.At(0) || some[1] != tab.At(1) {
		t.Errorf("a copy of the first two is %d: %+v", n, some)
	}
	if n := tab.Copy(make([]boot.Mapping, Max)); n != tab.Len() {
		t.Errorf("a copy of all is %d of %d", n, tab.Len())
	}
}

func TestNoAllocation(t *testing.T) {
	tab := new(Table)
	if n := testing.AllocsPerRun(100, func() {
		tab.Insert(boot.Mapping{Start: 10, End: 20})
		tab.Remove(12, 14)
		tab.Gap(5, 1, 0, 100)
		tab.Remove(0, 100)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestFrames: mappings of frames keep their addresses when they are cut, changed and
// joined, and those of frames that do not follow one another stay apart.
func TestFrames(t *testing.T) {
	const page = layout.PageSize
	frame := func(start, pages, frame uint64, prot uint8) boot.Mapping {
		return boot.Mapping{Start: start * page, End: (start + pages) * page, Kind: boot.KindFrame, Prot: prot, Frame: uint32(frame)}
	}
	var tab Table
	want := func(list ...boot.Mapping) {
		t.Helper()
		got := make([]boot.Mapping, tab.Len())
		if tab.Copy(got); !slices.Equal(got, list) {
			t.Fatalf("%+v, want %+v", got, list)
		}
	}
	tab.Insert(frame(10, 10, 100, 3))
	tab.Insert(frame(20, 5, 200, 3))
	want(frame(10, 10, 100, 3), frame(20, 5, 200, 3))
	tab.Remove(12*page, 14*page)
	want(frame(10, 2, 100, 3), frame(14, 6, 104, 3), frame(20, 5, 200, 3))
	tab.Insert(frame(12, 2, 102, 3))
	want(frame(10, 10, 100, 3), frame(20, 5, 200, 3))
	tab.Remove(10*page, 11*page)
	want(frame(11, 9, 101, 3), frame(20, 5, 200, 3))
	tab.Insert(frame(10, 1, 100, 3))
	want(frame(10, 10, 100, 3), frame(20, 5, 200, 3))
	tab.Set(18*page, 21*page, 1, 0)
	want(frame(10, 8, 100, 3), frame(18, 2, 108, 1), frame(20, 1, 200, 1), frame(21, 4, 201, 3))
	tab.Set(10*page, 25*page, 3, 0)
	want(frame(10, 10, 100, 3), frame(20, 5, 200, 3))
	tab.Set(12*page, 14*page, 1, 0)
	tab.Set(11*page, 13*page, 3, 0) // joined with what lies in front
	want(frame(10, 3, 100, 3), frame(13, 1, 103, 1), frame(14, 6, 104, 3), frame(20, 5, 200, 3))
	tab.Set(13*page, 14*page, 3, 0) // and with both sides
	want(frame(10, 10, 100, 3), frame(20, 5, 200, 3))
	for i := range uint64(Max - 2) {
		tab.Insert(frame(1000+2*i, 1, 0, 3))
	}
	if tab.Set(12*page, 14*page, 1, 0) {
		t.Error("a mapping was cut in a full table")
	}
}
