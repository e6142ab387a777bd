package machine

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
)

// The Go runtime draws what need not be secret from ChaCha8 generators: one for
// each of its threads (select, maps' seeds and orders, math/rand), and one that
// seeds new threads'. They are seeded once, before the template's copies begin,
// and would go on alike in all of them. Their state (internal/chacha8rand.State)
// proves itself: a block of output follows its seed, by the generator that
// math/rand/v2 has. So they are found in any image, stripped or not, and of any
// version of Go that has this layout; where none is found nothing is reseeded, and
// the template is refused.
const (
	stateBuffer = 32 * 8         // output, at 0
	stateSeed   = stateBuffer    // 32 bytes
	stateNext   = stateSeed + 32 // 32 bits: words of the output that were given
	stateEnd    = stateNext + 4  // 32 bits: words of it that may be
	stateBlock  = stateEnd + 4   // 32 bits: 4 times the number of the block
	stateSize   = stateBlock + 4
	blockWords  = 32
	blockStep   = 4
	blockLimit  = 16 // then the generator takes a new seed from its output
)

// errRandom says that copies of a program would draw the same numbers.
var errRandom = errors.New("the runtime's random generators are not found, and copies would draw the same numbers")

// findRandom returns the offsets of all such states in memory.
func findRandom(ram []byte) (found []uint64) {
	le := binary.LittleEndian
	for at := 0; at+stateSize <= len(ram); at += 8 {
		end := le.Uint32(ram[at+stateEnd:])
		if end != blockWords && end != blockWords-4 || le.Uint32(ram[at+stateNext:]) > end {
			continue
		}
		block := le.Uint32(ram[at+stateBlock:])
		if block%blockStep != 0 || block >= blockLimit {
			continue
		}
		g := mathrand.NewChaCha8([32]byte(ram[at+stateSeed:]))
		for range block / blockStep * blockWords {
			g.Uint64()
		}
		if le.Uint64(ram[at:]) == g.Uint64() && le.Uint64(ram[at+8:]) == g.Uint64() {
			found = append(found, uint64(at))
		}
	}
	return found
}

// reseed gives the states fresh seeds, and has them make output anew.
func reseed(ram []byte, states []uint64) error {
	le := binary.LittleEndian
	for _, at := range states {
		s := ram[at:][:stateSize]
		if _, err := rand.Read(s[stateSeed:][:32]); err != nil {
			return fmt.Errorf("machine: entropy: %w: report it", err)
		}
		clear(s[:stateBuffer])
		le.PutUint32(s[stateBlock:], 0)
		le.PutUint32(s[stateNext:], le.Uint32(s[stateEnd:]))
	}
	return nil
}
