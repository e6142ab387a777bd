package measure

import (
	"context"
	"encoding/binary"
	"fmt"

	"barreleye/urpc/pages"
)

// handedFrom is from which size on payloads are handed over as pages: one.
const handedFrom = pages.PageSize

// handed streams n payloads from side 0 to side 1 by handing over pages. They are
// written and read in place, of which nothing is measured but the first and the
// last word; or, copied, moved out of a buffer of the one and into one of the
// other, as other paths do.
func (s *Side) handed(pool *pages.Pool, payload int, copied bool) func(n uint64) {
	buffer := make([]byte, payload)
	return func(n uint64) {
		if s.Me == 0 {
			giveRuns(pool, buffer, n, copied)
		} else {
			takeRuns(pool, buffer, n, copied)
		}
	}
}

func giveRuns(pool *pages.Pool, buffer []byte, n uint64, copied bool) {
	ctx := context.Background()
	for i := range n {
		p, err := pool.Take(ctx, len(buffer))
		must(err)
		b := p.Bytes()
		if copied {
			copy(b, buffer)
		}
		binary.LittleEndian.PutUint64(b, i)
		binary.LittleEndian.PutUint64(b[len(b)-8:], i)
		must(pool.Give(ctx, p, i))
	}
}

func takeRuns(pool *pages.Pool, buffer []byte, n uint64, copied bool) {
	ctx := context.Background()
	for i := range n {
		p, tag, err := pool.Receive(ctx)
		must(err)
		b := p.Bytes()
		if copied {
			copy(buffer, b)
			b = buffer
		}
		first, last := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[len(b)-8:])
		if tag != i || first != i || last != i || len(b) != len(buffer) {
			panic(fmt.Sprintf("run %d of %d bytes has tag %d, begins with %x and ends with %x", i, len(buffer), tag, first, last))
		}
		must(p.Release())
	}
}
