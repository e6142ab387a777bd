package membership

import (
	"sync/atomic"
	"testing"

	"barreleye/guest/monitor/cores"
)

// TestPublish: what is read is always something that was published, whole.
func TestPublish(t *testing.T) {
	w := make([]atomic.Uint64, 40)
	of := func(i int) Published {
		p := Published{View: View{Epoch: uint64(i), Joining: i%5 - 1, JoinEpoch: uint64(i)}, Initial: i}
		p.Members.Add(i % cores.Max)
		p.Admitted.Add(i / 7 % cores.Max)
		return p
	}
	first := of(1)
	Publish(w, &first)
	if got := Read(w); got != first {
		t.Fatalf("%+v, want %+v", got, first)
	}
	const last = 20_000
	go func() {
		for i := 2; i <= last; i++ {
			p := of(i)
			Publish(w, &p)
		}
	}()
	for got := Read(w); got.Epoch != last; got = Read(w) {
		if want := of(int(got.Epoch)); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
}

// TestFirst: a core begins in the view in which it was admitted, whatever has changed
// since: it settles what those leave who have died meanwhile.
func TestFirst(t *testing.T) {
	k := NewKeeper(3)
	k.Died(1)
	p := k.Published()
	if v := p.First(0); v != (View{Epoch: 1, Members: cores.First(3), Joining: Nobody}) {
		t.Errorf("an initial core begins in %+v", v)
	}
	k.Settled(0, 2)
	k.Settled(2, 2)
	if !k.Returned(1) || !k.Died(2) {
		t.Fatal("no joining core")
	}
	p = k.Published()
	if v := p.First(1); v != (View{Epoch: 3, Members: cores.First(3), Joining: 1, JoinEpoch: 3}) {
		t.Errorf("a joining core begins in %+v", v)
	}
	if p.Members != cores.Of(0, 1) || p.Joining != 1 {
		t.Errorf("%+v", p.View)
	}
}
