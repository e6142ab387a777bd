// Package image loads a guest image: a static linux/amd64 ELF built by the Go
// tool whose program imports barreleye/guest. Loading means checking the file,
// cutting it into segments, finding the image table, and rewriting every
// SYSCALL instruction of the text into a jump to a stub, so that a system call
// reaches the CPU driver without a trap.
//
// The file is not trusted: whatever its headers say, Load neither panics nor
// allocates more than a small multiple of the file's size. Whether the code in
// it is hostile does not matter here; it runs at CPL3 behind the VM's boundary.
//
// Formats: the image table and the addresses are in package devices/layout,
// the function table in cmd/link/internal/ld/pcln.go of the Go source, the
// instruction encodings in the Intel SDM vol. 2. The package knows nothing of
// KVM; vmm/machine maps what it returns.
package image

import "barreleye/devices/layout"

// Perm is the access a segment's pages allow.
type Perm uint8

// Permission bits of a segment. A segment is never writable and executable.
const (
	PermR Perm = 1 << iota
	PermW
	PermX
)

// String shows p as in /proc/PID/maps, without the sharing letter: "r-x".
func (p Perm) String() string {
	s := []byte("---")
	for i, c := range []byte("rwx") {
		if p&(1<<i) != 0 {
			s[i] = c
		}
	}
	return string(s)
}

// Segment is one loadable piece of an image.
type Segment struct {
	VA      uint64 // page-aligned, in [layout.ImageVA, layout.ImageEnd)
	MemSize uint64 // bytes in memory; those beyond len(Data) are zero
	Data    []byte // contents; text is patched, the rest aliases Load's input
	Perm    Perm
}

// end returns the address after the last byte of s in memory.
func (s *Segment) end() uint64 { return s.VA + s.MemSize }

// Site is one SYSCALL instruction of the text, or a byte pair 0F 05 of which
// the decoder cannot say whether it is one.
type Site struct {
	Func    string // function it lies in, "" when it lies in none
	PC      uint64 // address of the SYSCALL instruction
	Stub    uint64 // address of its stub; 0 when not patched
	Patched bool
	Reason  string // why it was not patched, "" when it was
}

// Image is a loaded guest image. It is not changed after Load returned, and
// its methods may be called from several goroutines.
type Image struct {
	Name     string
	File     []byte                    // the ELF file as it was given to Load
	Entry    uint64                    // ELF entry point
	Segments []Segment                 // ascending, no two on one page
	Table    [layout.TableWords]uint64 // image table, checked
	Stubs    []byte                    // code for layout.StubVA; empty when nothing was patched
	Sites    []Site                    // ascending by PC

	funcs funcTable
}

// Unpatched returns the sites that were not rewritten. Each of them still
// works through the trap route, at a thousand times the price.
func (im *Image) Unpatched() []Site {
	var out []Site
	for _, s := range im.Sites {
		if !s.Patched {
			out = append(out, s)
		}
	}
	return out
}

// segmentOf returns the segment whose file contents hold n bytes at va.
func (im *Image) segmentOf(va, n uint64) *Segment {
	for i := range im.Segments {
		s := &im.Segments[i]
		size := uint64(len(s.Data))
		if va >= s.VA && n <= size && va-s.VA <= size-n {
			return s
		}
	}
	return nil
}

// bytesAt returns the n bytes of file contents at va, nil when they are not
// all in one segment.
func (im *Image) bytesAt(va, n uint64) []byte {
	s := im.segmentOf(va, n)
	if s == nil {
		return nil
	}
	off := va - s.VA
	return s.Data[off : off+n : off+n]
}

// executable reports whether the n bytes at va are contents of an executable
// segment.
func (im *Image) executable(va, n uint64) bool {
	s := im.segmentOf(va, n)
	return s != nil && s.Perm&PermX != 0
}
