package monitor

import (
	"context"
	"errors"
	"sync"
	"testing"

	"barreleye/guest/monitor/bind"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// sharedRAM is the memory that the cores of a test share.
var sharedRAM = caps.Extent{Type: caps.RAM, Base: 64 << 20, Size: 256 * caps.PageSize}

// free returns how much shared memory nobody has, as a core knows it.
func (c *testCore) free() uint64 {
	c.agreed.mu.Lock()
	defer c.agreed.mu.Unlock()
	return c.unused()
}

func (c *testCore) unused() (size uint64) {
	for _, e := range c.caps.ledger().Free() {
		size += e.Size
	}
	return size
}

func ok[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// TestCaps: memory is taken, cut, sent, revoked and given back; nobody has what was revoked
// mapped, and all of it is free at the end.
func TestCaps(t *testing.T) {
	k := newKernel(t, 3)
	ctx := limited(t)
	a, b, c := k.cores[0], k.cores[1], k.cores[2]
	ref, refs := ok[caps.Ref](t), ok[[]caps.Ref](t)
	ram := ref(a.TakeRAM(ctx, 8*caps.PageSize))
	frames := refs(a.Retype(ctx, ram, caps.Frame, 0, 2*caps.PageSize, 3))
	if err := a.Send(ctx, frames[0], 7, caps.Read); !errors.Is(err, bind.ErrGone) {
		t.Error(err)
	}
	if err := errors.Join(b.TakePart(ctx), c.TakePart(ctx)); err != nil {
		t.Fatal(err)
	}
	if err := a.Send(ctx, ram, 1, caps.Read); !errors.Is(err, ErrDivided) {
		t.Error(err)
	}
	if err := a.Send(ctx, frames[0], 1, caps.Read|caps.Grant); err != nil {
		t.Fatal(err)
	}
	got := ok[Arrival](t)(b.Receive(ctx))
	if _, cap, err := b.Cap(got.Ref); err != nil || cap.Rights != caps.Read|caps.Grant || cap.Size != 2*caps.PageSize || got.From != 0 {
		t.Errorf("%+v, %v", cap, err)
	}
	if err := b.Send(ctx, got.Ref, 2, caps.Read|caps.Write); !errors.Is(err, caps.ErrRights) {
		t.Error(err)
	}
	if err := b.Send(ctx, got.Ref, 2, caps.Read); err != nil {
		t.Fatal(err)
	}
	third := ok[Arrival](t)(c.Receive(ctx)).Ref
	if err := c.Send(ctx, third, 0, caps.Read); !errors.Is(err, caps.ErrRights) {
		t.Errorf("without grant: %v", err)
	}
	if _, err := c.Retype(ctx, third, caps.Frame, 0, caps.PageSize, 1); !errors.Is(err, caps.ErrRights) {
		t.Errorf("without derive: %v", err)
	}
	b.mapCap(got.Ref)
	c.mapCap(third)
	if _, err := a.Retype(ctx, ram, caps.Frame, 0, caps.PageSize, 1); !errors.Is(err, caps.ErrOverlap) {
		t.Errorf("others have it: %v", err)
	}
	if err := a.Revoke(ctx, ram); err != nil {
		t.Fatal(err)
	}
	if who := k.maps.of(sharedRAM); who != nil {
		t.Errorf("core %d has revoked memory mapped", who.core)
	}
	for _, loser := range []*testCore{b, c} {
		if by, taken := k.maps.by[loser]; !taken || by != 0 {
			t.Errorf("core %d is told that core %d took it, %v; core 0 did", loser.core, by, taken)
		}
	}
	for _, err := range []error{
		second3(a.Cap(frames[0])), second3(b.Cap(got.Ref)), second3(c.Cap(third)), second3(a.Cap(frames[2])),
	} {
		if !errors.Is(err, caps.ErrGone) {
			t.Error(err)
		}
	}
	again := refs(a.Retype(ctx, ram, caps.Frame, 0, 8*caps.PageSize, 1))
	if err := a.Move(ctx, again[0], 1, caps.All); err != nil {
		t.Fatal(err)
	}
	moved := ok[Arrival](t)(b.Receive(ctx))
	if _, _, err := a.Cap(again[0]); !errors.Is(err, caps.ErrGone) {
		t.Errorf("it was moved: %v", err)
	}
	cut := refs(b.Retype(ctx, moved.Ref, caps.Frame, caps.PageSize, caps.PageSize, 1))
	if err := b.Delete(ctx, moved.Ref); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Delete(ctx, ram), b.Delete(ctx, cut[0])); err != nil {
		t.Fatal(err)
	}
	for _, x := range k.cores {
		if got := x.free(); got != sharedRAM.Size {
			t.Errorf("core %d: %d bytes are free of %d", x.core, got, sharedRAM.Size)
		}
	}
}

func second3[A, B any](_ A, _ B, err error) error { return err }

// TestSharedRetype: what several cores hold is cut by agreement: nobody cuts the same twice.
func TestSharedRetype(t *testing.T) {
	k := newKernel(t, 2)
	ctx := limited(t)
	a, b := k.cores[0], k.cores[1]
	ram := ok[caps.Ref](t)(a.TakeRAM(ctx, 16*caps.PageSize))
	if err := b.TakePart(ctx); err != nil {
		t.Fatal(err)
	}
	if err := a.Send(ctx, ram, 1, caps.All); err != nil {
		t.Fatal(err)
	}
	others := ok[Arrival](t)(b.Receive(ctx)).Ref
	var all sync.WaitGroup
	var mu sync.Mutex
	got := 0
	for i := range 16 {
		for _, x := range []struct {
			c *testCore
			r caps.Ref
		}{{a, ram}, {b, others}} {
			all.Go(func() {
				_, err := x.c.Retype(ctx, x.r, caps.Frame, uint64(i)*caps.PageSize, caps.PageSize, 1)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					got++
				} else if !errors.Is(err, caps.ErrOverlap) {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if got != 16 {
		t.Errorf("%d of 16 pages were cut", got)
	}
	k.kill(1) // what it had cut goes back to what it was cut from, which a still holds
	if err := a.Revoke(ctx, ram); err != nil {
		t.Fatal(err)
	}
	if err := a.Delete(ctx, ram); err != nil || a.free() != sharedRAM.Size {
		t.Errorf("%d bytes are free, %v", a.free(), err)
	}
}

// TestExhausted: no memory is an error, and what was given back can be had again.
func TestExhausted(t *testing.T) {
	k := newKernel(t, 2)
	ctx := limited(t)
	var list []caps.Ref
	for {
		r, err := k.cores[len(list)%2].TakeRAM(ctx, 4*caps.PageSize)
		if err != nil {
			if !errors.Is(err, ledger.ErrMemory) {
				t.Fatal(err)
			}
			break
		}
		list = append(list, r)
	}
	if len(list) != 64 {
		t.Errorf("%d pieces of 64", len(list))
	}
	for i, r := range list {
		if err := k.cores[i%2].Delete(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.cores[0].TakeRAM(ctx, sharedRAM.Size); err != nil {
		t.Error(err)
	}
	for _, size := range []uint64{0, 1, caps.PageSize + 1} {
		if _, err := k.cores[0].TakeRAM(ctx, size); !errors.Is(err, caps.ErrExtent) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// TestCapsGivenUp: what takes effect after its caller has stopped waiting leaves nothing.
func TestCapsGivenUp(t *testing.T) {
	k := newKernel(t, 3)
	ctx := limited(t)
	for range 200 {
		early, stop := context.WithCancel(ctx)
		go stop()
		if r, err := k.cores[0].TakeRAM(early, caps.PageSize); err == nil {
			if err := k.cores[0].Delete(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := k.cores[0].TakePart(ctx); err != nil {
		t.Fatal(err)
	}
	for {
		r, err := k.cores[1].TakeRAM(ctx, sharedRAM.Size)
		if err == nil {
			if err := k.cores[1].Delete(ctx, r); err != nil {
				t.Error(err)
			}
			break
		}
		if !errors.Is(err, ledger.ErrMemory) {
			t.Fatal(err)
		}
	}
}
