package main

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
	"weak"
)

// mapRound keeps a map and a slice that must agree.
func mapRound(r *rand.Rand) error {
	const keys = 2000
	m := map[string]uint64{}
	shadow := make([]uint64, keys) // 0: not in the map
	name := func(k int) string { return fmt.Sprintf("key-%d", k) }
	for range 4 * keys {
		k := r.IntN(keys)
		if shadow[k] != 0 && r.IntN(3) == 0 {
			delete(m, name(k))
			shadow[k] = 0
		} else {
			shadow[k] = r.Uint64() | 1
			m[name(k)] = shadow[k]
		}
	}
	size := 0
	for k, want := range shadow {
		got, ok := m[name(k)]
		if ok != (want != 0) || got != want {
			return fmt.Errorf("%s is %#x (%v), want %#x", name(k), got, ok, want)
		}
		if ok {
			size++
		}
	}
	if len(m) != size {
		return fmt.Errorf("%d keys, want %d", len(m), size)
	}
	return nil
}

// block is memory with its checksum.
type block struct {
	data []byte
	sum  uint32
}

func newBlock(r *rand.Rand, size int) (block, error) {
	b := block{data: make([]byte, size)}
	for i, v := range b.data {
		if v != 0 {
			return b, fmt.Errorf("byte %d of new memory is %#x", i, v)
		}
	}
	for i := 0; i < size; i += 1 + r.IntN(64) {
		b.data[i] = byte(r.Uint32())
	}
	b.sum = crc32.ChecksumIEEE(b.data)
	return b, nil
}

func (b block) check() error {
	if got := crc32.ChecksumIEEE(b.data); got != b.sum {
		return fmt.Errorf("block of %d bytes at %p: checksum %#x, want %#x", len(b.data), b.data, got, b.sum)
	}
	return nil
}

// kept are blocks that live for many rounds of slices, which alone uses them.
var kept [24]block

// slices makes garbage of all sizes and checks what it keeps.
func slices(r *rand.Rand) error {
	for range 20 {
		size := 1 << (4 + r.IntN(16))
		b, err := newBlock(r, size+r.IntN(size))
		if err != nil {
			return err
		}
		i := r.IntN(len(kept))
		if err := kept[i].check(); err != nil {
			return err
		}
		kept[i] = b
	}
	return nil
}

// node is a tree of pointers for the collector to follow.
type node struct {
	left, right *node
	sum         uint64
}

func newTree(depth int, r *rand.Rand) *node {
	n := &node{sum: r.Uint64()}
	if depth > 0 {
		n.left, n.right = newTree(depth-1, r), newTree(depth-1, r)
		n.sum = n.left.sum + n.right.sum
	}
	return n
}

func (n *node) check() error {
	if n.left == nil {
		return nil
	}
	if n.sum != n.left.sum+n.right.sum {
		return fmt.Errorf("node %p: sum %#x of %#x and %#x", n, n.sum, n.left.sum, n.right.sum)
	}
	if err := n.left.check(); err != nil {
		return err
	}
	return n.right.check()
}

var oldTree *node

func trees(r *rand.Rand) error {
	t := newTree(9, r)
	if oldTree != nil {
		// a mix of old and new subtrees
		t.left, t.sum = oldTree.right, oldTree.right.sum+t.right.sum
	}
	oldTree = t
	return t.check()
}

// freeMemory fills memory, gives it back to the driver, and wants zeroes when
// it takes it again.
func freeMemory(r *rand.Rand) error {
	const size = 2 << 20
	for range 3 {
		b, err := newBlock(r, size)
		if err != nil {
			return err
		}
		for i := range b.data {
			b.data[i] |= 0x5a
		}
	}
	debug.FreeOSMemory()
	for range 3 {
		if _, err := newBlock(r, size); err != nil {
			return fmt.Errorf("after FreeOSMemory: %w", err)
		}
	}
	time.Sleep(time.Duration(50+r.IntN(100)) * time.Millisecond)
	return nil
}

// cleanups drops objects and wants each cleanup, each finalizer once, and the
// weak pointers to what is kept, and only those, still valid.
func cleanups(r *rand.Rand) error {
	const objects = 50
	var cleaned, finalized atomic.Int64
	type object struct {
		p *int
		v [4]uint64
	}
	keep, weaks := []*object{}, []weak.Pointer[object]{}
	for i := range objects {
		o := &object{v: [4]uint64{uint64(i)}}
		runtime.AddCleanup(o, func(int) { cleaned.Add(1) }, i)
		weaks = append(weaks, weak.Make(o))
		if i%5 == 0 {
			keep = append(keep, o)
		}
		f := &object{v: [4]uint64{uint64(i)}}
		runtime.SetFinalizer(f, func(f *object) { finalized.Add(1) })
	}
	wantCleaned, wantFinalized := int64(objects-len(keep)), int64(objects)
	for start := time.Now(); cleaned.Load() < wantCleaned || finalized.Load() < wantFinalized; {
		runtime.GC()
		time.Sleep(time.Millisecond)
		if time.Since(start) > 60*time.Second {
			return fmt.Errorf("%d of %d cleanups, %d of %d finalizers ran within 60 s", cleaned.Load(), wantCleaned, finalized.Load(), wantFinalized)
		}
	}
	for i, w := range weaks {
		o := w.Value()
		if (o != nil) != (i%5 == 0) || o != nil && o != keep[i/5] {
			return fmt.Errorf("weak pointer %d is %p", i, o)
		}
	}
	if cleaned.Load() != wantCleaned || finalized.Load() != wantFinalized {
		return fmt.Errorf("%d cleanups, want %d; %d finalizers, want %d", cleaned.Load(), wantCleaned, finalized.Load(), wantFinalized)
	}
	runtime.KeepAlive(keep)
	time.Sleep(time.Duration(20+r.IntN(50)) * time.Millisecond)
	return nil
}
