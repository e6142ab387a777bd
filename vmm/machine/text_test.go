package machine

import (
	"math/rand/v2"
	"testing"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

// TestPieces lays parts out at random and looks at every page of them.
func TestPieces(t *testing.T) {
	const pages = layout.HugeSize / layout.PageSize
	huge, mixed := 0, 0
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 0))
		text := &Text{}
		prots := map[uint64]uint8{} // of each page
		va, offset := 0x40_0000+random.Uint64N(3*pages)*layout.PageSize, uint64(0)
		offset = va % layout.HugeSize
		for range 1 + random.IntN(4) {
			size := (1 + random.Uint64N(2*pages)) * layout.PageSize
			prot := uint8(boot.Read)
			if random.IntN(2) == 0 {
				prot |= boot.Exec
			}
			text.parts = append(text.parts, textPart{va: va, offset: offset, size: size, prot: prot})
			for a := va; a < va+size; a += layout.PageSize {
				prots[a] = prot
			}
			va, offset = va+size, offset+size
			if random.IntN(3) == 0 {
				gap := random.Uint64N(pages) * layout.PageSize
				va, offset = va+gap, offset+gap
			}
			if random.IntN(3) == 0 {
				offset += layout.PageSize // huge pages do not fit any more
			}
		}
		seen := map[uint64]bool{}
		for p := range text.pieces() {
			if p.huge != (p.size == layout.HugeSize) || p.va%p.size != 0 || p.offset%p.size != 0 {
				t.Fatalf("seed %d: piece %+v", seed, p)
			}
			if p.huge {
				huge++
			}
			for a := p.va; a < p.va+p.size; a += layout.PageSize {
				prot, exists := prots[a]
				switch {
				case !exists || seen[a]:
					t.Fatalf("seed %d: page %#x is no part's, or mapped twice", seed, a)
				case p.prot&prot != prot || !p.huge && p.prot != prot || p.prot&boot.Write != 0:
					t.Fatalf("seed %d: page %#x mapped as %d, is %d", seed, a, p.prot, prot)
				case p.prot != prot:
					mixed++
				}
				seen[a] = true
				if want := text.at(a); p.offset+a-p.va != want {
					t.Fatalf("seed %d: page %#x at %#x, want %#x", seed, a, p.offset+a-p.va, want)
				}
			}
		}
		if len(seen) != len(prots) {
			t.Fatalf("seed %d: %d pages mapped of %d", seed, len(seen), len(prots))
		}
	}
	if huge == 0 || mixed == 0 {
		t.Errorf("%d huge pages, %d pages of other access in them: the layouts test nothing", huge, mixed)
	}
}

// at returns where the page at va lies in the shared memory.
func (t *Text) at(va uint64) uint64 {
	for _, p := range t.parts {
		if va-p.va < p.size {
			return p.offset + va - p.va
		}
	}
	return 0
}
