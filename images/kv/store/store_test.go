package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func keyOf(i int) (k Key) {
	copy(k[:], fmt.Sprintf("key %d", i))
	return k
}

// TestApply compares every answer with a plain map's over random requests.
func TestApply(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	s, model := New(), map[Key]string{}
	for range 20_000 {
		r := Request{Op: Get + Op(rng.IntN(3)), Key: keyOf(rng.IntN(50))}
		old, there := model[r.Key]
		want := Answer{Status: Missing}
		switch {
		case r.Op == Put:
			text := fmt.Sprint(rng.Uint64())
			r.Value.Len = uint8(copy(r.Value.Data[:], text))
			model[r.Key] = text
			want.Status = Stored
		case r.Op == Delete && there:
			delete(model, r.Key)
			want.Status = Deleted
		case there:
			want.Status = Found
			want.Value.Len = uint8(copy(want.Value.Data[:], old))
		}
		if got := s.Apply(&r); got != want {
			t.Fatalf("%v of %q: %v, want %v", r.Op, r.Key, got, want)
		}
		if s.Keys() != len(model) {
			t.Fatalf("%d keys, want %d", s.Keys(), len(model))
		}
	}
}

// TestAllocations: a shard must not feed its collector with every request.
func TestAllocations(t *testing.T) {
	s := New()
	put, get, del := Request{Op: Put, Key: keyOf(1)}, Request{Op: Get, Key: keyOf(1)}, Request{Op: Delete, Key: keyOf(1)}
	n := testing.AllocsPerRun(1000, func() { s.Apply(&put); s.Apply(&get); s.Apply(&del); s.Apply(&get); s.Apply(&put) })
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestShard: all shards get about the same number of keys, the only one gets all.
func TestShard(t *testing.T) {
	const keys = 30_000
	for _, n := range []int{1, 2, 3, 7, 32} {
		count := make([]int, n)
		for i := range keys {
			k := keyOf(i)
			count[Shard(&k, n)]++
		}
		for i, c := range count {
			if want := keys / n; c < want*8/10 || c > want*12/10 {
				t.Errorf("shard %d of %d has %d keys, about %d expected", i, n, c, want)
			}
		}
	}
}
