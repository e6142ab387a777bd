package machine

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// state writes a generator's state as internal/chacha8rand keeps it, at the given
// block.
func state(mem []byte, seed [32]byte, block, next uint32) {
	g := rand.NewChaCha8(seed)
	for range block / blockStep * blockWords {
		g.Uint64()
	}
	for i := range blockWords {
		binary.LittleEndian.PutUint64(mem[8*i:], g.Uint64())
	}
	copy(mem[stateSeed:], seed[:])
	binary.LittleEndian.PutUint32(mem[stateNext:], next)
	binary.LittleEndian.PutUint32(mem[stateEnd:], blockWords)
	binary.LittleEndian.PutUint32(mem[stateBlock:], block)
}

// TestRandomIsFoundAndReseeded: generators are found among noise and among words
// that look like one, and two copies of them go on differently.
func TestRandomIsFoundAndReseeded(t *testing.T) {
	var seed [32]byte
	noise := rand.NewChaCha8(seed)
	ram := make([]byte, 1<<20)
	noise.Read(ram[:1<<18])
	binary.LittleEndian.PutUint32(ram[5000+stateEnd:], blockWords) // looks like one
	binary.LittleEndian.PutUint32(ram[5000+stateNext:], 3)
	binary.LittleEndian.PutUint32(ram[5000+stateBlock:], 0)
	places := []uint64{8192 + 8, 1<<18 + 400, 1<<19 + 16}
	for i, at := range places {
		noise.Read(seed[:])
		state(ram[at:], seed, uint32(i)*blockStep, uint32(7*i))
	}
	found := findRandom(ram)
	if len(found) != len(places) {
		t.Fatalf("found %v, want %v", found, places)
	}
	for i, at := range found {
		if at != places[i] {
			t.Errorf("found %v, want %v", found, places)
		}
	}
	one, other := bytes.Clone(ram), bytes.Clone(ram)
	for _, copied := range [][]byte{one, other} {
		if err := reseed(copied, found); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range found {
		a, b, old := one[at:][stateSeed:stateNext], other[at:][stateSeed:stateNext], ram[at:][stateSeed:stateNext]
		if bytes.Equal(a, b) || bytes.Equal(a, old) {
			t.Errorf("the seeds at %#x are % x, % x, before % x", at, a, b, old)
		}
		if next, end := binary.LittleEndian.Uint32(one[at+stateNext:]), binary.LittleEndian.Uint32(one[at+stateEnd:]); next != end {
			t.Errorf("the generator at %#x would give old output: word %d of %d", at, next, end)
		}
	}
}
