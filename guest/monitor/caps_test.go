package monitor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"barreleye/devices/region"
	"barreleye/guest/monitor/bind"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// sharedRAM is the memory that the cores of a test share.
var sharedRAM = caps.Extent{Type: caps.RAM, Base: 64 << 20, Size: 64 * caps.PageSize}

// mappings are who has what mapped, in place of page tables.
type mappings struct {
	mu   sync.Mutex
	list map[*testCore]map[caps.ObjectID]caps.Extent
}

// mapped maps an object that the core has a capability to.
func (m *mappings) mapped(c *testCore, o caps.ObjectID, e caps.Extent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.list == nil {
		m.list = map[*testCore]map[caps.ObjectID]caps.Extent{}
	}
	if m.list[c] == nil {
		m.list[c] = map[caps.ObjectID]caps.Extent{}
	}
	m.list[c][o] = e
}

func (m *mappings) unmap(c *testCore, o caps.ObjectID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.list[c], o)
}

func (m *mappings) fence(c *testCore) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.list, c)
}

// of returns a core that has some of an extent mapped.
func (m *mappings) of(e caps.Extent) *testCore {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c, all := range m.list {
		for _, x := range all {
			if x.Overlaps(e) {
				return c
			}
		}
	}
	return nil
}

// mapCap maps what r names, with the monitor's lock held: a program maps and loses a
// capability in some order.
func (c *testCore) mapCap(r caps.Ref) {
	c.agreed.mu.Lock()
	defer c.agreed.mu.Unlock()
	if o, err := c.caps.space.Object(r); err == nil {
		got, _ := c.caps.space.Get(r)
		c.k.maps.mapped(c, o, got.Extent)
	}
}

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
	if len(list) != 16 {
		t.Errorf("%d pieces of 16", len(list))
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

// TestUnaccepted: what nobody accepted goes with its sender.
func TestUnaccepted(t *testing.T) {
	k := newKernel(t, 2)
	ctx := limited(t)
	a, b := k.cores[0], k.cores[1]
	if err := a.TakePart(ctx); err != nil {
		t.Fatal(err)
	}
	ram := ok[caps.Ref](t)(b.TakeRAM(ctx, caps.PageSize))
	if err := b.Send(ctx, ram, 0, caps.All); err != nil {
		t.Fatal(err)
	}
	k.kill(1)
	if err := a.agreed.wait(ctx, func() bool { return a.unused() == sharedRAM.Size }); err != nil {
		t.Fatal(err)
	}
	if len(a.caps.arrived) != 0 {
		t.Errorf("%+v", a.caps.arrived)
	}
}

// TestCapsOverChannel: what is announced on a channel is accepted there alone and once, and
// goes where the channel is closed before.
func TestCapsOverChannel(t *testing.T) {
	k := newKernel(t, 2)
	ctx := limited(t)
	a, b := k.cores[0], k.cores[1]
	l := ok[*Listener](t)(b.Listen("service", region.ProfileLatency))
	request := bind.Request{Service: "service", Lines: 16, PeerLines: 16, Profile: region.ProfileLatency}
	var here, there []Opened
	for range 2 {
		here = append(here, ok[Opened](t)(a.Dial(ctx, 1, request)))
		there = append(there, ok[Opened](t)(l.Accept(ctx)))
	}
	if err := b.TakePart(ctx); err != nil {
		t.Fatal(err)
	}
	ram := ok[caps.Ref](t)(a.TakeRAM(ctx, caps.PageSize))
	one := ok[uint64](t)(a.SendOver(ctx, ram, here[0].ID, caps.Read))
	two := ok[uint64](t)(a.SendOver(ctx, ram, here[1].ID, caps.Read|caps.Write))
	if _, err := b.Accept(there[1].ID, one); !errors.Is(err, caps.ErrGone) {
		t.Errorf("accepted on another channel: %v", err)
	}
	got := ok[caps.Ref](t)(b.Accept(there[0].ID, one))
	if _, err := b.Accept(there[0].ID, one); !errors.Is(err, caps.ErrGone) {
		t.Errorf("accepted twice: %v", err)
	}
	if _, c, err := b.Cap(got); err != nil || c.Rights != caps.Read {
		t.Errorf("%+v, %v", c, err)
	}
	if _, c, err := b.Cap(ok[caps.Ref](t)(b.Accept(there[1].ID, two))); err != nil || c.Rights != caps.Read|caps.Write {
		t.Errorf("%+v, %v", c, err)
	}
	late := ok[uint64](t)(a.SendOver(ctx, ram, here[1].ID, caps.Read))
	b.Monitor.Close(there[1].ID)
	if _, err := b.Accept(there[1].ID, late); !errors.Is(err, caps.ErrGone) || len(b.caps.arrived) != 0 {
		t.Errorf("accepted on a channel that is closed: %v; %+v", err, b.caps.arrived)
	}
	later := ok[uint64](t)(a.SendOver(ctx, ram, here[1].ID, caps.Read))
	if _, err := b.Accept(there[1].ID, later); !errors.Is(err, caps.ErrGone) || len(b.caps.arrived) != 0 {
		t.Errorf("sent over a channel that is closed: %v; %+v", err, b.caps.arrived)
	}
	a.Monitor.Close(here[0].ID)
	if _, err := a.SendOver(ctx, ram, here[0].ID, caps.Read); !errors.Is(err, bind.ErrGone) {
		t.Error(err)
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

// TestCapsStorm: cores take, cut, send, map, revoke and drop at random, and some die and
// come back. Nobody takes what somebody else has mapped; every core's book agrees with its
// capabilities after each step; at the end all memory is free.
func TestCapsStorm(t *testing.T) {
	const n, turns = 4, 60
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	k := newKernel(t, n)
	ctx := limited(t)
	var all sync.WaitGroup
	for i, c := range k.cores {
		all.Go(func() {
			s := storm{t: t, c: c, r: rand.New(rand.NewPCG(seed, uint64(i)))}
			if i%2 == 0 {
				s.run(ctx, turns)
				s.clear(ctx)
				return
			}
			s.run(ctx, turns/2)
			k.kill(i)
			s = storm{t: t, c: k.restart(i), r: s.r}
			s.run(ctx, turns)
			s.clear(ctx)
		})
	}
	all.Wait()
	for _, c := range k.cores {
		s := storm{t: t, c: c}
		s.clear(ctx) // of what others had sent after its last turn
	}
	for _, c := range k.cores {
		// what its replica has not heard of yet it hears of without being asked
		if err := c.agreed.wait(ctx, func() bool { return c.unused() == sharedRAM.Size }); err != nil {
			t.Errorf("core %d: %d bytes are free: %+v; here %+v", c.core, c.free(), c.caps.ledger().Entries(), c.caps.space.Objects())
		}
	}
}

// storm is what one life does.
type storm struct {
	t    *testing.T
	c    *testCore
	r    *rand.Rand
	have []caps.Ref
}

func (s *storm) run(ctx context.Context, turns int) {
	if err := s.c.TakePart(ctx); err != nil {
		s.t.Error(err)
	}
	for range turns {
		if err := s.turn(ctx); err != nil && !expected(err) {
			s.t.Errorf("core %d, life %d: %v", s.c.core, s.c.life, err)
		}
	}
}

// expected reports whether others may be the cause of a refusal.
func expected(err error) bool {
	for _, is := range []error{caps.ErrGone, caps.ErrOverlap, caps.ErrRights, caps.ErrType, caps.ErrExtent, ErrDivided, bind.ErrGone, ledger.ErrMemory} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

func (s *storm) pick() (caps.Ref, int) {
	i := s.r.IntN(len(s.have))
	return s.have[i], i
}

func (s *storm) turn(ctx context.Context) error {
	for {
		a, ok := s.c.caps.take(func(*Arrival) bool { return true })
		if !ok {
			break
		}
		s.have = append(s.have, a.Ref)
	}
	do := s.r.IntN(10)
	if len(s.have) == 0 || do == 0 {
		r, err := s.c.TakeRAM(ctx, uint64(1+s.r.IntN(8))*caps.PageSize)
		if err != nil {
			return err
		}
		_, got, err := s.c.Cap(r)
		if err != nil {
			return err
		}
		if who := s.c.k.maps.of(got.Extent); who != nil {
			return fmt.Errorf("took %v, which core %d has mapped", got.Extent, who.core)
		}
		s.have = append(s.have, r)
		return nil
	}
	r, at := s.pick()
	switch do {
	case 1, 2, 3:
		types := []caps.Type{caps.RAM, caps.Frame, caps.Frame, caps.PageTable}
		refs, err := s.c.Retype(ctx, r, types[s.r.IntN(len(types))], uint64(s.r.IntN(4))*caps.PageSize, caps.PageSize, 1+s.r.IntN(2))
		s.have = append(s.have, refs...)
		return err
	case 4, 5:
		return s.c.Send(ctx, r, s.r.IntN(len(s.c.k.cores)), caps.All&^caps.Rights(s.r.IntN(32)))
	case 6:
		return s.c.Move(ctx, r, s.r.IntN(len(s.c.k.cores)), caps.All)
	case 7:
		s.c.mapCap(r)
		more, err := s.c.Mint(r, caps.All)
		if err == nil {
			s.have = append(s.have, more)
		}
		return err
	case 8:
		return s.c.Revoke(ctx, r)
	}
	s.have = append(s.have[:at], s.have[at+1:]...)
	return s.c.Delete(ctx, r)
}

// clear lets go of everything.
func (s *storm) clear(ctx context.Context) {
	for {
		s.c.agreed.mu.Lock()
		for _, a := range s.c.caps.arrived {
			s.have = append(s.have, a.Ref)
		}
		s.c.caps.arrived = nil
		s.c.agreed.mu.Unlock()
		if len(s.have) == 0 {
			return
		}
		for _, r := range s.have {
			if err := s.c.Delete(ctx, r); err != nil && !errors.Is(err, caps.ErrGone) {
				s.t.Error(err)
				return
			}
		}
		s.have = nil
	}
}
