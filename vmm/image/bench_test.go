package image

import (
	"os"
	"testing"
)

// BenchmarkLoad loads the large test guest; the rate is per byte of file.
func BenchmarkLoad(b *testing.B) {
	for _, toolchain := range toolchains {
		b.Run(toolchain, func(b *testing.B) {
			path := buildGuest(b, toolchain, "-ldflags=-s -w")
			data, err := os.ReadFile(path)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Load("bench", data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen adds reading the file.
func BenchmarkOpen(b *testing.B) {
	path := buildGuest(b, "go1.26", "-ldflags=-s -w")
	for b.Loop() {
		mustOpen(b, path)
	}
}
