package region

import (
	"slices"
	"strings"
	"testing"
	"unsafe"

	"barreleye/devices/layout"
)

// TestSeen: for every number of cores, what each core sees is page for page what
// the pages' own descriptions allow it, every page has one writer, or the two of a
// pair, and somebody sees it, and the spans are as few as promised.
func TestSeen(t *testing.T) {
	for cores := 1; cores <= 64; cores++ {
		geometries := []Geometry{{Cores: cores, RingLines: 64, PoolPages: 4}, {Cores: cores, RingLines: 64, PoolPages: 4, RAMPages: 512}}
		if slices.Contains([]int{1, 2, 8, 64}, cores) {
			geometries = append(geometries, DefaultGeometry(cores))
		}
		for _, g := range geometries {
			checkSeen(t, g)
		}
	}
}

func checkSeen(t *testing.T, g Geometry) {
	t.Helper()
	pages := make([]Area, g.Size()/layout.PageSize)
	alone := make([]int, g.Cores) // pages that a core writes and no other one
	for p := range pages {
		a, ok := g.At(p)
		if p >= g.end() && p < g.RAMSpan().First {
			if ok {
				t.Fatalf("%+v: page %d is %v, want nothing", g, p, a)
			}
			continue
		}
		if ok && a.Shared != (p >= g.end()) {
			t.Fatalf("%+v: page %d is %v", g, p, a)
		}
		if !ok || a.What == "" || strings.Contains(a.What, "%") {
			t.Fatalf("%+v: page %d is %+v, %v", g, p, a, ok)
		}
		if n := len(a.Writers); n > 2 || n == 2 && (a.All || len(a.Readers) > 0) {
			t.Fatalf("%+v: page %d: %v: %d writers", g, p, a, n)
		}
		if pages[p] = a; len(a.Writers) == 1 {
			alone[a.Writers[0]]++
		}
	}
	for _, p := range []int{-1, g.end(), len(pages)} {
		if a, ok := g.At(p); ok {
			t.Fatalf("%+v: page %d is %v", g, p, a)
		}
	}
	for core := range g.Cores {
		next, spans := 0, 0
		var last Span
		for s := range g.Seen(core) {
			if spans++; s.Pages <= 0 || s.First < last.End() || s.First == last.End() && s.Access == last.Access && spans > 1 {
				t.Fatalf("%+v: core %d: span %+v after %+v", g, core, s, last)
			}
			for ; next < s.First; next++ {
				if a := pages[next].Access(core); a != None {
					t.Fatalf("%+v: core %d does not see page %d, %v, of which it has %v", g, core, next, pages[next], a)
				}
			}
			for ; next < s.End(); next++ {
				if run, pair := g.Pair(next, core); pair != (len(pages[next].Writers) == 2) ||
					pair && (next < run.First || next >= run.End() || run.Pages != g.pairPages()) {
					t.Fatalf("%+v: core %d: page %d, %v, is of the pair's run %+v, %v", g, core, next, pages[next], run, pair)
				}
				if a := pages[next].Access(core); a != s.Access {
					t.Fatalf("%+v: core %d sees page %d, %v, for %v; it has %v", g, core, next, pages[next], s.Access, a)
				}
			}
			last = s
		}
		for ; next < len(pages); next++ {
			if a := pages[next].Access(core); a != None {
				t.Fatalf("%+v: core %d does not see page %d, %v", g, core, next, pages[next])
			}
		}
		for _, s := range g.Alone(core) {
			for p := s.First; p < s.End(); p++ {
				if !slices.Equal(pages[p].Writers, []int{core}) {
					t.Fatalf("%+v: page %d, %v, is not core %d's alone", g, p, pages[p], core)
				}
				alone[core]--
			}
		}
		if alone[core] != 0 {
			t.Errorf("%+v: %d pages of core %d's alone are missing", g, alone[core], core)
		}
		if spans > 6+2*(g.Cores-1)+1 {
			t.Errorf("%+v: core %d sees %d spans", g, core, spans)
		}
	}
}

// TestSeenStops: whoever wants only the first spans gets no more.
func TestSeenStops(t *testing.T) {
	g := DefaultGeometry(3)
	all := slices.Collect(g.Seen(1))
	for want := 1; want <= len(all); want++ {
		var some []Span
		for s := range g.Seen(1) {
			if some = append(some, s); len(some) == want {
				break
			}
		}
		if !slices.Equal(some, all[:want]) {
			t.Errorf("the first %d spans are %v, want %v", want, some, all[:want])
		}
	}
}

// TestAreasAreNamed: pages are called what they are.
func TestAreasAreNamed(t *testing.T) {
	v := mapped(t, DefaultGeometry(4))
	pages, err := v.Pages(1, 3)
	if err != nil {
		t.Fatal(err)
	}
	at := func(p unsafe.Pointer) uintptr { return uintptr(p) }
	for _, want := range []struct {
		addr uintptr
		name string
	}{
		{v.addr(v.ramPage() + 7), "page 7 of shared memory, written by cores that have a capability to it"},
		{v.base, "the region's header, written by the VMM"},
		{at(unsafe.Pointer(v.Clock())), "the clock, written by the VMM"},
		{at(unsafe.Pointer(v.VMM(3))), "what the VMM says about core 3, written by the VMM"},
		{at(unsafe.Pointer(v.Input().Data)), "core 0's input, written by the VMM"},
		{at(unsafe.Pointer(v.Block(2))), "core 2's block, written by core 2"},
		{at(unsafe.Pointer(v.Settled(2, 3))), "core 2's settled lives, written by core 2"},
		{at(unsafe.Pointer(&v.Scratch(1, 1)[0])), "core 1's scratch memory, written by core 1"},
		{v.BroadcastArea(0), "core 0's broadcast, written by core 0"},
		{v.AckArea(0, 3), "core 0's acknowledgements, written by core 0"},
		{v.addr(v.vmmSidePage(1)), "the VMM's channel to core 1, written by the VMM"},
		{at(unsafe.Pointer(v.Log(1).Data)), "core 1's log, written by core 1"},
		{at(unsafe.Pointer(v.Crash(1))), "core 1's crash record, written by core 1"},
		{at(unsafe.Pointer(v.Maps(1))), "core 1's map snapshot, written by core 1"},
		{v.addr(v.coreSidePage(1) - 1), "core 1's trace, written by core 1"},
		{v.addr(v.coreSidePage(3)), "core 3's channel to the VMM, written by core 3"},
		{v.Side(ChannelMonitor, 3, 0), "core 3's monitors' channel to core 0, written by core 3"},
		{v.Side(ChannelProgram, 0, 3), "core 0's program channel to core 3, written by core 0"},
		{v.Side(ChannelPages, 2, 1), "core 2's channel for pages to core 1, written by core 2"},
		{at(unsafe.Pointer(v.Totals(1, 2))), "core 1's directory of channels to core 2, written by core 1"},
		{at(unsafe.Pointer(&v.PoolBytes(1, 2)[0])), "core 1's pool for channels to core 2, written by core 1"},
		{v.CallStatsArea(1, 2), "core 1's call counts to core 2, written by core 1"},
		{v.CallArea(2, 1), "the call lines of cores 1 and 2, written by cores 1 and 2"},
		{at(unsafe.Pointer(&v.Scratch(2, 1)[0])), "the scratch memory of cores 1 and 2, written by cores 1 and 2"},
		{at(unsafe.Pointer(&pages[5*layout.PageSize])), "page 5 handed over between cores 1 and 3, written by cores 1 and 3"},
	} {
		if a, ok := v.At(int(want.addr-v.base) / layout.PageSize); !ok || a.String() != want.name {
			t.Errorf("%q, %v, want %q", a, ok, want.name)
		}
	}
}
