package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"barreleye/guest"
	"barreleye/urpc"
	"barreleye/urpc/pages"
)

// handPages gives every other core -n runs of pages, and receives as many. Of
// each pool the lower core then grants a run to a third one, which gives it back
// changed.
func handPages(ctx context.Context) error {
	done, answered := make(chan error), make(chan error)
	for peer := range guest.Cores() {
		if peer == guest.Core() {
			continue
		}
		pool, err := guest.Pages(peer)
		if err != nil {
			return err
		}
		go func() { done <- giveRuns(ctx, pool) }()
		go func() { done <- receiveRuns(ctx, pool) }()
		go func() { answered <- answerGrants(ctx, pool) }()
	}
	others := guest.Cores() - 1
	if err := collect(done, 2*others); err != nil {
		return err
	}
	for peer := range guest.Cores() {
		if peer == guest.Core() {
			continue
		}
		if err := grantRuns(ctx, peer); err != nil {
			return err
		}
	}
	if err := collect(answered, others); err != nil {
		return err
	}
	if err := finishTogether(ctx); err != nil {
		return err
	}
	fmt.Printf("%d runs to and from each of %d others\n", *count, others)
	return nil
}

// finishTogether returns when every other core has got here: a pool ends with
// either of its cores.
func finishTogether(ctx context.Context) error {
	const done = 1 << 40 // above all other numbers
	for _, step := range []func(*pages.Pool) error{
		func(pool *pages.Pool) error {
			p, err := pool.Take(ctx, 1)
			if err != nil {
				return err
			}
			return pool.Give(ctx, p, done)
		},
		func(pool *pages.Pool) error {
			_, n, err := pool.Receive(ctx)
			if err == nil && n != done {
				err = fmt.Errorf("run %d of core %d is one too many", n, pool.Peer())
			}
			return err
		},
	} {
		for peer := range guest.Cores() {
			if peer == guest.Core() {
				continue
			}
			pool, err := guest.Pages(peer)
			if err == nil {
				err = step(pool)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// collect waits for n answers, or for the first error.
func collect(answers <-chan error, n int) error {
	for range n {
		if err := <-answers; err != nil {
			return err
		}
	}
	return nil
}

// stamp fills b with what belongs to n; stamped reports whether it is that.
func stamp(b []byte, n uint64) {
	for i := 0; i+8 <= len(b); i += 64 {
		binary.LittleEndian.PutUint64(b[i:], n^uint64(i))
	}
}

func stamped(b []byte, n uint64) bool {
	for i := 0; i+8 <= len(b); i += 64 {
		if binary.LittleEndian.Uint64(b[i:]) != n^uint64(i) {
			return false
		}
	}
	return true
}

func giveRuns(ctx context.Context, pool *pages.Pool) error {
	rng := rand.New(rand.NewPCG(uint64(guest.Core()), uint64(pool.Peer())))
	for i := range uint64(*count) {
		size := 1 + rng.IntN(4<<12)
		if rng.IntN(20) == 0 {
			size = pool.Size()
		}
		p, err := pool.Take(ctx, size)
		if err != nil {
			return err
		}
		stamp(p.Bytes(), i)
		if err := pool.Give(ctx, p, i); err != nil {
			return err
		}
	}
	return nil
}

func receiveRuns(ctx context.Context, pool *pages.Pool) error {
	for i := range uint64(*count) {
		p, n, err := pool.Receive(ctx)
		if err != nil {
			return err
		}
		if n != i || !stamped(p.Bytes(), i) {
			return fmt.Errorf("run %d of core %d has number %d, or is not as it was given", i, pool.Peer(), n)
		}
		if err := p.Release(); err != nil {
			return err
		}
	}
	return nil
}

// grantRuns lends a run of the pool with peer to each third core.
func grantRuns(ctx context.Context, peer int) error {
	pool, err := guest.Pages(peer)
	if err != nil {
		return err
	}
	for third := range guest.Cores() {
		if third == guest.Core() || third == peer {
			continue
		}
		p, err := pool.Take(ctx, 3<<12)
		if err != nil {
			return err
		}
		stamp(p.Bytes(), 5)
		if err := pool.Grant(ctx, p, third, 5); err != nil {
			return err
		}
		with, err := guest.Pages(third)
		if err != nil {
			return err
		}
		back, n, err := with.Receive(ctx)
		if err != nil {
			return err
		}
		if n != 6 || !stamped(back.Bytes(), 6) {
			return fmt.Errorf("granted pages came back from core %d with number %d, or not as they were given", third, n)
		}
		if err := back.Release(); err != nil {
			return err
		}
	}
	return nil
}

// answerGrants gives back what the peer grants, a run of its pool with each third
// core.
func answerGrants(ctx context.Context, pool *pages.Pool) error {
	for range guest.Cores() - 2 {
		p, n, err := pool.Accept(ctx)
		if err != nil {
			return err
		}
		if !stamped(p.Bytes(), n) {
			return fmt.Errorf("pages that core %d grants are not as they were given", pool.Peer())
		}
		stamp(p.Bytes(), n+1)
		if err := pool.Give(ctx, p, n+1); err != nil {
			return err
		}
	}
	return nil
}

// losePages has core 0 grant all its pages of the pool with core 1 to core 2,
// which ends without returning them.
func losePages(ctx context.Context) error {
	const granting, peer, lost = 0, 1, 2
	switch guest.Core() {
	case granting:
		pool, err := guest.Pages(peer)
		if err != nil {
			return err
		}
		if _, err := guest.Pages(lost); err != nil {
			return err
		}
		p, err := pool.Take(ctx, pool.Size())
		if err != nil {
			return err
		}
		if err := pool.Grant(ctx, p, lost, 0); err != nil {
			return err
		}
		if _, err := pool.TryTake(1); err != pages.ErrNone {
			return fmt.Errorf("pages that are granted can be taken: %v", err)
		}
		if p, err = pool.Take(ctx, pool.Size()); err != nil {
			return err
		}
		if err := pool.Give(ctx, p, 7); err != nil {
			return err
		}
		fmt.Println("all pages came back")
	case peer:
		pool, err := guest.Pages(granting)
		if err != nil {
			return err
		}
		if _, n, err := pool.Receive(ctx); err != nil || n != 7 {
			return fmt.Errorf("received %d, error %v", n, err)
		}
		with, err := guest.Pages(lost)
		if err != nil {
			return err
		}
		if _, _, err := with.Receive(ctx); !errors.Is(err, urpc.ErrClosed) {
			return fmt.Errorf("the pool with core %d: %v", lost, err)
		}
		fmt.Printf("core %d is gone\n", lost)
	case lost:
		pool, err := guest.Pages(granting)
		if err != nil {
			return err
		}
		p, _, err := pool.Accept(ctx)
		if err != nil {
			return err
		}
		p.Bytes()[0] = 1
		os.Exit(3)
	}
	return nil
}
