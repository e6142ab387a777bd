package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"barreleye/guest"
	"barreleye/images/rpc/desk"
)

// result is what came of the calls to one peer.
type result struct {
	mu      sync.Mutex
	answers int   // that were right
	given   int   // calls that were given up
	err     error // the first one
}

// work does all calls to a peer, and leaves.
func (p *peer) work(ctx context.Context) *result {
	r := &result{}
	var all sync.WaitGroup
	for i := range *callers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(*seed, uint64(guest.Core())<<32|uint64(p.core)<<16|uint64(i)))
			for range (*calls + i) / *callers {
				given, err := p.call(ctx, random)
				if !r.add(given, err) {
					return
				}
			}
		})
	}
	all.Wait()
	if r.err == nil {
		r.err = p.desk.Leave(ctx)
	}
	return r
}

// add counts a call, and reports whether to go on.
func (r *result) add(given bool, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.err != nil:
	case err != nil:
		r.err = err
	case given:
		r.given++
	default:
		r.answers++
	}
	return r.err == nil
}

// call does one call, drawn at random, and checks its answer.
func (p *peer) call(ctx context.Context, random *rand.Rand) (given bool, err error) {
	a, b := random.Uint64(), random.Uint64()
	switch kind := random.IntN(100); {
	case kind < 10:
		data := bytes.Repeat([]byte{byte(a), byte(b)}, random.IntN(4000))
		got, err := p.desk.Echo(ctx, data)
		if err == nil && !bytes.Equal(got, data) {
			err = fmt.Errorf("%d bytes came back as %d others", len(data), len(got))
		}
		return false, err
	case kind < 15:
		err := p.desk.Refuse(ctx, a)
		if err == nil {
			return false, errors.New("a refusal came as a success")
		}
		if !errors.Is(err, desk.ErrRefused) {
			return false, err
		}
		if want := fmt.Sprintf("request %d: refused", a); err.Error() != want {
			return false, fmt.Errorf("the text %q came as %q", want, err)
		}
		return false, nil
	case kind < 20:
		short, cancel := context.WithTimeout(ctx, time.Duration(random.IntN(1000))*time.Microsecond)
		defer cancel()
		err := p.desk.Wait(short)
		if errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
		return true, err
	case kind < 40:
		sum, err := p.desk.Later(ctx, a, b)
		return false, compare(sum, a+b, err)
	default:
		sum, err := p.desk.Sum(ctx, a, b)
		return false, compare(sum, a+b, err)
	}
}

func compare(got, want uint64, err error) error {
	if err == nil && got != want {
		return fmt.Errorf("sum %d, want %d", got, want)
	}
	return err
}
