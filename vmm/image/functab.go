package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sort"
)

// Header of .gopclntab since Go 1.20: magic, two zero bytes, pc quantum,
// pointer size, then eight words (cmd/link/internal/ld/pcln.go, runtime.pcHeader).
const (
	pclnMagic      = 0xfffffff1 // internal/abi.Go120PCLnTabMagic
	pclnPtrSize    = 7          // a byte
	pclnFuncs      = 8          // number of functions
	pclnTextStart  = 24         // runtime.text; 0 since Go 1.26
	pclnNames      = 32         // offset of the function names
	pclnUnits      = 40         // offset of the file lists of the compilation units
	pclnFiles      = 48         // offset of the file names
	pclnValues     = 56         // offset of the pc-value tables
	pclnFuncTab    = 64         // offset of functab, to which offsets in it are relative
	pclnHeaderSize = 72

	// An entry of functab is two 32-bit words: entry relative to runtime.text,
	// offset of the function's record. One lone word, the end, follows the last.
	functabEntry = 8
)

// Offsets of the 32-bit fields of a function's record (runtime._func).
const (
	recordName  = 4  // offset in names
	recordFile  = 20 // offset in values: pc to file, an index into the unit's list
	recordLine  = 24 // offset in values: pc to line
	recordUnit  = 32 // index in units of the unit's list
	recordBytes = 36 // as far as it is used here
)

// maxName bounds the names the package makes strings of, so that a damaged
// table cannot make it copy one huge name for every function.
const maxName = 1 << 10

// funcTable finds functions and lines in .gopclntab in place. debug/gosym does
// the same after it has built objects for all functions, which would cost more
// than all the rest of loading. Every offset in it is checked when used.
type funcTable struct {
	text   uint64 // runtime.text: what entries are relative to
	n      int    // functions
	tab    []byte // functab, and the records behind it
	names  []byte // NUL-terminated
	units  []byte // lists of 32-bit offsets in files
	files  []byte // NUL-terminated
	values []byte
}

// parseFuncs checks the header and the order of the entries of pcln.
func parseFuncs(pcln []byte, text uint64) (funcTable, error) {
	if len(pcln) < pclnHeaderSize {
		return funcTable{}, fmt.Errorf("%d bytes, the header alone has %d", len(pcln), pclnHeaderSize)
	}
	le := binary.LittleEndian
	if magic := le.Uint32(pcln); magic != pclnMagic || pcln[pclnPtrSize] != wordSize {
		return funcTable{}, fmt.Errorf("unknown version %#x, pointers of %d bytes", magic, pcln[pclnPtrSize])
	}
	if start := le.Uint64(pcln[pclnTextStart:]); start != 0 && start != text {
		return funcTable{}, fmt.Errorf("Go text starts at %#x, section .text at %#x", start, text)
	}
	t := funcTable{text: text}
	for _, part := range []struct {
		at   int
		data *[]byte
	}{{pclnNames, &t.names}, {pclnUnits, &t.units}, {pclnFiles, &t.files}, {pclnValues, &t.values}, {pclnFuncTab, &t.tab}} {
		off := le.Uint64(pcln[part.at:])
		if off > uint64(len(pcln)) {
			return funcTable{}, fmt.Errorf("part at %#x beyond its end %#x", off, len(pcln))
		}
		*part.data = pcln[off:]
	}
	n := le.Uint64(pcln[pclnFuncs:])
	if n == 0 || n > uint64(len(pcln))/functabEntry || n*functabEntry+4 > uint64(len(t.tab)) {
		return funcTable{}, fmt.Errorf("%d functions do not fit in %d bytes", n, len(t.tab))
	}
	t.n = int(n)
	for i := range t.n {
		if t.entry(i) > t.entry(i+1) {
			return funcTable{}, fmt.Errorf("function %d starts after its successor", i)
		}
	}
	return t, nil
}

// entry returns the address of function i, and for i == n the end of the last.
func (t *funcTable) entry(i int) uint64 {
	return t.text + uint64(binary.LittleEndian.Uint32(t.tab[i*functabEntry:]))
}

// find returns the function that holds pc, or -1. A table without functions is
// that of an image made by hand.
func (t *funcTable) find(pc uint64) int {
	if t.n == 0 {
		return -1
	}
	i := sort.Search(t.n+1, func(i int) bool { return t.entry(i) > pc })
	if i == 0 || i > t.n {
		return -1
	}
	return i - 1
}

// record returns the start of the record of function i, nil when it is outside
// the table.
func (t *funcTable) record(i int) []byte {
	off := uint64(binary.LittleEndian.Uint32(t.tab[i*functabEntry+4:]))
	if off+recordBytes > uint64(len(t.tab)) {
		return nil
	}
	return t.tab[off : off+recordBytes]
}

// name returns the name of function i, "?" when the table does not have it.
func (t *funcTable) name(i int) string {
	if r := t.record(i); r != nil {
		if name := cString(t.names, binary.LittleEndian.Uint32(r[recordName:])); name != "" {
			return name
		}
	}
	return "?"
}

// cString returns the NUL-terminated string at off, cut at maxName bytes, ""
// when there is none.
func cString(b []byte, off uint32) string {
	if uint64(off) >= uint64(len(b)) {
		return ""
	}
	b = b[off:]
	b = b[:min(len(b), maxName)]
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	return string(b)
}
