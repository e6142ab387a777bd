package monitor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"barreleye/guest/monitor/bind"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

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
	if err := k.cores[0].caps.reclaim(ctx); err != nil {
		t.Fatal(err)
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
		size := uint64(1+s.r.IntN(8)) * caps.PageSize
		if s.r.IntN(8) == 0 {
			size = sharedRAM.Size / 2 // which others keep small pieces of
		}
		r, err := s.c.TakeRAM(ctx, size)
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
