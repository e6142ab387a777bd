package monitor

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"barreleye/guest/monitor/bind"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// pages takes n pages, one after the other.
func (c *testCore) pages(t *testing.T, n int) (list []caps.Ref) {
	t.Helper()
	for range n {
		list = append(list, ok[caps.Ref](t)(c.TakeRAM(limited(t), caps.PageSize)))
	}
	return list
}

// held returns what a core holds, as its ledger says.
func (c *testCore) held() (list []ledger.Entry) {
	c.agreed.mu.Lock()
	defer c.agreed.mu.Unlock()
	return c.caps.ledger().Held(c.core)
}

// TestCache: small pieces come from blocks that were taken at once. What is free again goes back,
// but for one block.
func TestCache(t *testing.T) {
	k := newKernel(t, 2)
	a := k.cores[0]
	list := a.pages(t, 32)
	if held := a.held(); len(held) != 1 || held[0].Extent.Size != 32*caps.PageSize {
		t.Fatalf("32 pages are cut from %+v", held)
	}
	list = append(list, a.pages(t, 100)...)
	seen := map[uint64]bool{}
	for _, r := range list {
		_, got, err := a.Cap(r)
		if err != nil || got.Type != caps.RAM || got.Size != caps.PageSize || got.Rights != caps.All || seen[got.Base] {
			t.Fatalf("%+v, %v", got, err)
		}
		seen[got.Base] = true
	}
	if n := len(a.held()); n > 10 {
		t.Errorf("132 pages are %d entries", n)
	}
	for i := range list {
		if err := a.Delete(limited(t), list[(i*37)%len(list)]); err != nil {
			t.Fatal(err)
		}
	}
	a.agreed.mu.Lock()
	if n := len(a.caps.cache.blocks); n != 1 || a.caps.cache.idle != a.caps.cache.blocks[0] {
		t.Errorf("%d blocks are kept", n)
	}
	a.agreed.mu.Unlock()
	ok[caps.Ref](t)(k.cores[1].TakeRAM(limited(t), sharedRAM.Size)) // all that there is
}

// TestReclaim: memory that a core keeps and nobody uses is anybody's, to the last page, also
// where it lies between what is in use; and what that is stays what it was.
func TestReclaim(t *testing.T) {
	k := newKernel(t, 3)
	ctx := limited(t)
	a, b, c := k.cores[0], k.cores[1], k.cores[2]
	if err := errors.Join(b.TakePart(ctx), c.TakePart(ctx)); err != nil {
		t.Fatal(err)
	}
	list := a.pages(t, 50)
	frames := ok[[]caps.Ref](t)(a.Retype(ctx, list[7], caps.Frame, 0, caps.PageSize, 1))
	if err := errors.Join(a.Send(ctx, frames[0], 1, caps.All), a.Move(ctx, list[9], 2, caps.All)); err != nil {
		t.Fatal(err)
	}
	sent, moved := ok[Arrival](t)(b.Receive(ctx)).Ref, ok[Arrival](t)(c.Receive(ctx)).Ref
	a.mapCap(list[5])
	used := 2 // that sent and moved are about
	for i, r := range list {
		switch {
		case i == 7, i == 9:
		case i%5 == 0:
			used++
		default:
			if err := a.Delete(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, page, err := a.Cap(list[5])
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for ; ; taken++ {
		if _, err := b.TakeRAM(ctx, caps.PageSize); err != nil {
			if !errors.Is(err, ledger.ErrMemory) {
				t.Fatal(err)
			}
			break
		}
	}
	if want := int(sharedRAM.Size/caps.PageSize) - used; taken != want {
		t.Errorf("%d pages could be taken of %d", taken, want)
	}
	if _, got, err := a.Cap(list[5]); err != nil || got != page || k.maps.of(page.Extent) != a {
		t.Errorf("%+v was %+v, %v", got, page, err)
	}
	// All of it can be used as ever.
	if err := errors.Join(a.Send(ctx, list[5], 1, caps.Read), a.Revoke(ctx, list[7]), a.Revoke(ctx, list[10])); err != nil {
		t.Error(err)
	}
	if _, _, err := b.Cap(sent); !errors.Is(err, caps.ErrGone) {
		t.Errorf("it was revoked: %v", err)
	}
	if _, err := c.Retype(ctx, moved, caps.Frame, 0, caps.PageSize, 1); err != nil {
		t.Error(err)
	}
	if _, err := a.TakeRAM(ctx, caps.PageSize); !errors.Is(err, ledger.ErrMemory) {
		t.Errorf("all is in use: %v", err)
	}
	k.kill(1)
	if err := a.agreed.wait(ctx, func() bool { return !a.members.lives(1, 1) && a.unused() > 0 }); err != nil {
		t.Fatal(err)
	}
	for i, r := range list {
		if _, _, err := a.Cap(r); err == nil && i%5 == 0 || i == 7 {
			if err := a.Delete(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	k.kill(2)
	if err := a.Send(ctx, 0, 2, 0); !errors.Is(err, bind.ErrGone) && !errors.Is(err, caps.ErrGone) {
		t.Fatal(err)
	}
	if err := a.agreed.wait(ctx, func() bool { return !a.caps.ledger().Entered(2) }); err != nil {
		t.Fatal(err)
	}
	ok[caps.Ref](t)(a.TakeRAM(ctx, sharedRAM.Size))
}

// TestFragmentation: as long as less than three quarters of the memory are in use, nothing is
// refused for its being in pieces. It prints how often that is at 90 %.
func TestFragmentation(t *testing.T) {
	k := &kernel{t: t, trusted: true, ram: caps.Extent{Type: caps.RAM, Base: 64 << 20, Size: 64 << 20}}
	a := k.start(1).cores[0]
	const requests = 20_000
	for _, percent := range []uint64{50, 75, 90} {
		r := rand.New(rand.NewPCG(1, percent))
		type piece struct {
			ref  caps.Ref
			size uint64
		}
		var list []piece
		used, refused := uint64(0), 0
		free := func() {
			i := r.IntN(len(list))
			if err := a.Delete(limited(t), list[i].ref); err != nil {
				t.Fatal(err)
			}
			used -= list[i].size
			list[i] = list[len(list)-1]
			list = list[:len(list)-1]
		}
		for range requests {
			size := uint64(math.Exp2(7*r.Float64())) * caps.PageSize // 4 to 512 KiB
			for used+size > k.ram.Size*percent/100 {
				free()
			}
			ref, err := a.TakeRAM(limited(t), size)
			if errors.Is(err, ledger.ErrMemory) {
				refused++
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			list, used = append(list, piece{ref, size}), used+size
		}
		t.Logf("%d %% in use: %d of %d requests refused", percent, refused, requests)
		if percent < 90 && refused > 0 {
			t.Errorf("%d requests were refused while %d %% were in use", refused, percent)
		}
		for len(list) > 0 {
			free()
		}
	}
	ok[caps.Ref](t)(a.TakeRAM(limited(t), k.ram.Size))
}
