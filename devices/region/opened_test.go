package region

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"barreleye/urpc"
)

// mapped returns the view of a region of some cores that only this test sees.
func mapped(t testing.TB, g Geometry) *View {
	t.Helper()
	mem, err := syscall.Mmap(-1, 0, int(g.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(mem) })
	v, err := Format(uintptr(unsafe.Pointer(&mem[0])), g)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestPoolsAreLargeEnough: where there are few cores, a pair has room for a
// thousand short channels, and for several of the longest.
func TestPoolsAreLargeEnough(t *testing.T) {
	g := DefaultGeometry(8)
	if n := g.PoolPages / SidePages(urpc.MinLines); n < 1000 || g.Entries() < n {
		t.Errorf("%d channels of %d lines in %d entries, want 1000", n, urpc.MinLines, g.Entries())
	}
	if n := g.PoolPages / SidePages(urpc.MaxLines); n < 4 {
		t.Errorf("%d channels of %d lines", n, urpc.MaxLines)
	}
}

// TestEntries: what a core writes in its directory is what others read, the sides
// of both cores' entries are the same memory, and a cleared entry is gone.
func TestEntries(t *testing.T) {
	v := mapped(t, DefaultGeometry(3))
	own := Entry{Open: true, Profile: ProfileBulk, Epoch: 7, Lines: 64, PeerLines: 16384, Page: v.PoolPages - SidePages(64), PeerPage: 5}
	other := Entry{Open: true, Profile: ProfileBulk, Epoch: 7, Lines: 16384, PeerLines: 64, Page: 5, PeerPage: own.Page}
	dialing := Entry{Epoch: 255, Lines: 16, PeerLines: 16, Page: 9}
	v.SetEntry(0, 2, 0, dialing)
	v.SetEntry(0, 2, v.Entries()-1, own)
	v.SetEntry(2, 0, 3, other)
	want := map[int]Entry{0: dialing, v.Entries() - 1: own}
	for i, e := range v.Opened(0, 2) {
		if e != want[i] {
			t.Errorf("entry %d is %+v, want %+v", i, e, want[i])
		}
		delete(want, i)
	}
	if len(want) != 0 {
		t.Errorf("not found: %+v", want)
	}
	a, b, e1 := v.EntrySides(0, 2, own)
	c, d, e2 := v.EntrySides(2, 0, other)
	if err := errors.Join(e1, e2); err != nil {
		t.Fatal(err)
	}
	if a.Tx != d.Tx || b.Tx != c.Tx || a.Tx == c.Tx || len(a.Ring) != 64 || len(c.Ring) != 16384 {
		t.Error("the two cores see different sides")
	}
	if _, peer, err := v.EntrySides(0, 2, dialing); err != nil || peer.Tx != nil {
		t.Errorf("a channel that is being opened has a peer's side: %v", err)
	}
	atomic.StoreUint64(&a.Stats.Send.Messages, 5)
	v.Totals(0, 2).Sent.Add(6)
	if sent, _ := v.Messages(0); sent != 11 {
		t.Errorf("core 0 sent %d messages, want 11", sent)
	}
	atomic.StoreUint64(&c.Stats.Recv.Messages, 4)
	directions := func() (names []string) {
		for d := range v.Directions(0, 2) {
			if d.Sender.Send.Messages != 0 {
				names = append(names, d.Channel)
			}
		}
		return names
	}
	if got, want := directions(), []string{fmt.Sprint("opened ", v.Entries()-1)}; !slices.Equal(got, want) {
		t.Errorf("directions %q, want %q", got, want)
	}
	if sent, received := v.Closed(0, 2); sent != 6 || received != 0 {
		t.Errorf("%d and %d messages of closed channels, want 6 and 0", sent, received)
	}
	v.ClearEntry(2, 0, 3) // one end of it
	v.Totals(2, 0).Received.Add(4)
	if got := directions(); len(got) != 0 {
		t.Errorf("directions %q of channels that one core has closed", got)
	}
	if sent, received := v.Closed(0, 2); sent != 11 || received != 4 {
		t.Errorf("%d and %d messages of closed channels, want 11 and 4", sent, received)
	}
	for _, pair := range [][2]int{{0, 2}, {2, 0}} {
		for i := range v.Opened(pair[0], pair[1]) {
			v.ClearEntry(pair[0], pair[1], i)
		}
		for i, e := range v.Opened(pair[0], pair[1]) {
			t.Errorf("entry %d is still there: %+v", i, e)
		}
	}
}

// TestHostileDirectory: whatever a core writes in its directory, what Opened tells
// of lies in the pools.
func TestHostileDirectory(t *testing.T) {
	v := mapped(t, Geometry{Cores: 2, RingLines: 64, PoolPages: 64})
	rng := rand.New(rand.NewPCG(1, 2))
	check := func(state, pages uint64) (told bool) {
		w := v.entry(0, 1, 4)
		w[0].Store(state)
		w[1].Store(pages)
		for _, e := range v.Opened(0, 1) {
			own, peer, err := v.EntrySides(0, 1, e)
			if err != nil {
				t.Fatalf("state %#x, pages %#x: %+v: %v", state, pages, e, err)
			}
			inPool(t, v, 0, 1, own)
			if e.Open {
				inPool(t, v, 1, 0, peer)
			}
			told = true
		}
		return told
	}
	if !check(2|7<<16|4<<24|6<<32, 62|61<<32) || check(2|7<<16|4<<24|6<<32, 63|61<<32) || check(2|7<<16|4<<24|7<<32, 62|62<<32) {
		t.Error("the last page is told of wrongly")
	}
	told := 0
	for range 200_000 {
		state, pages := rng.Uint64(), rng.Uint64()
		switch rng.IntN(3) {
		case 0: // nearly right
			state = rng.Uint64N(4) | rng.Uint64N(3)<<8 | rng.Uint64()&0xFF0000 | rng.Uint64N(17)<<24 | rng.Uint64N(17)<<32
			fallthrough
		case 1:
			pages = rng.Uint64N(70) | rng.Uint64N(70)<<32
		}
		if check(state, pages) {
			told++
		}
	}
	if told < 1000 {
		t.Errorf("only %d of the entries were ones", told)
	}
}

// inPool wants a side within the pool of a core.
func inPool(t *testing.T, v *View, from, to int, s urpc.Side) {
	t.Helper()
	start := v.addr(v.poolPage(from, to))
	first, end := uintptr(unsafe.Pointer(s.Tx)), uintptr(unsafe.Pointer(&s.Ring[len(s.Ring)-1]))+urpc.LineSize
	if first < start || end > start+uintptr(v.PoolPages)<<12 {
		t.Fatalf("side %#x-%#x is outside of the pool at %#x", first, end, start)
	}
}
