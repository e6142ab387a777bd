package pages

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"barreleye/urpc"
	"barreleye/urpc/urpctest"
)

var sizes = []int{4 << 10, 64 << 10, 1 << 20}

// BenchmarkHandOver streams runs from one goroutine to another; nobody looks into
// them. Where filled, the giver writes and the receiver reads every byte.
func BenchmarkHandOver(b *testing.B) {
	for _, filled := range []bool{false, true} {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("filled=%v/bytes=%d", filled, n), func(b *testing.B) {
				x, y := pair(b, 1024, 256)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				go func() {
					for i := range b.N {
						p := must(x.Take(background, n))
						if filled {
							write(p.Bytes(), byte(i))
						}
						if err := x.Give(background, p, 0); err != nil {
							panic(err)
						}
					}
				}()
				for range b.N {
					p, _, err := y.Receive(background)
					if err != nil {
						b.Fatal(err)
					}
					if filled {
						sum += read(p.Bytes())
					}
					if err := p.Release(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkCopy is what BenchmarkHandOver replaces, where filled: as many bytes
// go through a ring of the same kind, in lines of 56.
func BenchmarkCopy(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("bytes=%d", n), func(b *testing.B) {
			x, y := urpctest.Rings(b, 4096, 20)
			b.SetBytes(int64(n))
			go func() {
				out := make([]byte, n)
				batch := make([]urpc.Message, 32)
				for i := range b.N {
					write(out, byte(i))
					for left := out; len(left) > 0; {
						k := 0
						for ; k < len(batch) && len(left) > 0; k++ {
							part := left[:min(len(left), urpc.MaxPayload)]
							if err := batch[k].SetBytes(part); err != nil {
								panic(err)
							}
							left = left[len(part):]
						}
						for sent := 0; sent < k; {
							m, _ := x.SendBatch(batch[sent:k])
							if sent += m; sent < k {
								x.Flush()
								runtime.Gosched()
							}
						}
					}
					x.Flush()
				}
			}()
			in := make([]byte, 0, n)
			batch := make([]urpc.Message, 32)
			for range b.N {
				for in = in[:0]; len(in) < n; {
					k, err := y.RecvBatch(batch[:min(len(batch), (n-len(in)+urpc.MaxPayload-1)/urpc.MaxPayload)])
					for i := range k {
						in = batch[i].AppendTo(in)
					}
					if err == urpc.ErrEmpty {
						runtime.Gosched()
					} else if err != nil {
						b.Fatal(err)
					}
				}
				sum += read(in)
			}
		})
	}
}

var (
	sum    uint64
	source = make([]byte, 1<<20)
)

// write and read go over all of b, at the speed of memory.
func write(b []byte, v byte) {
	source[0] = v
	copy(b, source)
}

func read(b []byte) (s uint64) {
	for ; len(b) >= 8; b = b[8:] {
		s += binary.LittleEndian.Uint64(b)
	}
	return s
}
