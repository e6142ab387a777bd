package pages

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"

	"barreleye/urpc/seedtest"
)

// fill writes what belongs to a tag.
func fill(b []byte, tag uint64) {
	for i := 0; i+8 <= len(b); i += 512 {
		binary.LittleEndian.PutUint64(b[i:], tag^uint64(i))
	}
}

// filled reports whether b holds what fill wrote.
func filled(b []byte, tag uint64) bool {
	for i := 0; i+8 <= len(b); i += 512 {
		if binary.LittleEndian.Uint64(b[i:]) != tag^uint64(i) {
			return false
		}
	}
	return true
}

// TestStreams: several goroutines at each end give and receive at the same time,
// many times what the pool holds, over a channel that is often full. Nothing
// starves, and all arrives once and unharmed.
func TestStreams(t *testing.T) {
	limit(t)
	seed := seedtest.Seed(t)
	const givers, receivers, each = 3, 2, 400
	for _, lines := range []int{16, 256} {
		x, y := pair(t, 64, lines)
		var all sync.WaitGroup
		for end, p := range []*Pool{x, y} {
			for s := range givers {
				rng := rand.New(rand.NewPCG(seed, uint64(end*givers+s)))
				all.Go(func() {
					for i := range uint64(each) {
						q, err := p.Take(background, 1+rng.IntN(p.Size()))
						if err != nil {
							t.Error(err)
							return
						}
						fill(q.Bytes(), i*givers+uint64(s))
						if err := p.Give(background, q, i*givers+uint64(s)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			var mu sync.Mutex
			seen := map[uint64]bool{}
			for range receivers {
				all.Go(func() {
					for {
						q, tag, err := p.Receive(ctx)
						if err == context.Canceled {
							return
						}
						if err != nil || !filled(q.Bytes(), tag) {
							t.Errorf("tag %d: not what was given, or error %v", tag, err)
							return
						}
						if err := q.Release(); err != nil {
							t.Error(err)
						}
						mu.Lock()
						if seen[tag] {
							t.Errorf("tag %d came twice", tag)
						}
						seen[tag] = true
						if len(seen) == givers*each {
							cancel()
						}
						mu.Unlock()
					}
				})
			}
		}
		all.Wait()
		for _, p := range []*Pool{x, y} {
			q, err := p.Take(background, p.Size()) // what is due comes by itself
			is(t, err, nil)
			is(t, q.Release(), nil)
		}
	}
}

// TestStreamIsNotStarved: one way only, with pages for two runs at a time.
func TestStreamIsNotStarved(t *testing.T) {
	limit(t)
	x, y := pair(t, 8, 16)
	go func() {
		for i := range uint64(5000) {
			p, err := x.Take(background, 2*PageSize)
			if err == nil {
				fill(p.Bytes(), i)
				err = x.Give(background, p, i)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	for i := range uint64(5000) {
		p, tag, err := y.Receive(background)
		is(t, err, nil)
		if tag != i || !filled(p.Bytes(), i) {
			t.Fatalf("run %d has tag %d, or is not what was given", i, tag)
		}
		is(t, p.Release(), nil)
	}
}
