// Package kernel is compute-bound work of a fixed size, the same in a guest
// and in a Linux process (paper Figure 9: it must run as fast as natively). It
// mixes floating point, integer, vector and memory work and makes no system
// calls but those of its allocations.
package kernel

import (
	"crypto/sha256"
	"math/rand/v2"
	"sort"
)

// Run does the work once and returns a checksum that depends on all of it.
func Run() uint64 {
	return matrix() ^ digest() ^ sorting() ^ table()
}

func matrix() uint64 {
	const n = 192
	var a, b, c [n][n]float64
	for i := range n {
		for j := range n {
			a[i][j], b[i][j] = float64(i^j), float64(i+j)
		}
	}
	for i := range n {
		for k := range n {
			for j := range n {
				c[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return uint64(c[n-1][n/2])
}

func digest() uint64 {
	buf := make([]byte, 1<<20)
	for i := range buf {
		buf[i] = byte(i * 7)
	}
	var sum [32]byte
	for range 8 {
		sum = sha256.Sum256(buf)
		copy(buf, sum[:])
	}
	return uint64(sum[0])<<8 | uint64(sum[1])
}

func sorting() uint64 {
	r := rand.New(rand.NewPCG(1, 2))
	v := make([]int, 200_000)
	for i := range v {
		v[i] = r.Int()
	}
	sort.Ints(v)
	return uint64(v[len(v)/2])
}

func table() uint64 {
	m := map[uint64]uint64{}
	for i := range uint64(100_000) {
		m[i*0x9e3779b97f4a7c15>>40] += i
	}
	sum := uint64(0)
	for k, v := range m {
		sum += k ^ v
	}
	return sum
}
