package image

import (
	"encoding/binary"

	"barreleye/devices/layout"
)

// Symbol names the place pc: function, offset in it, and source line. A pc in
// a system-call stub is named as the SYSCALL it stands for. A line that was
// inlined is given with its own file and the function it was inlined into. ok
// is false outside the Go text; file is "" and line 0 when the table has none
// for pc.
func (im *Image) Symbol(pc uint64) (fn string, off uint64, file string, line int, ok bool) {
	if im.inStub(pc) {
		pc = im.siteOfStub(pc)
	}
	i := im.funcs.find(pc)
	if i < 0 {
		return "", 0, "", 0, false
	}
	file, line = im.funcs.line(i, pc)
	return im.funcs.name(i), pc - im.funcs.entry(i), file, line, true
}

// inStub reports whether pc lies in a system-call stub.
func (im *Image) inStub(pc uint64) bool { return pc >= layout.StubVA && pc < stubAt(len(im.Stubs)) }

// siteOfStub returns the address of the SYSCALL whose stub holds pc.
func (im *Image) siteOfStub(pc uint64) uint64 {
	var at uint64
	for i := range im.Sites { // stubs ascend as sites do
		if s := &im.Sites[i]; s.Patched && s.Stub <= pc {
			at = s.PC
		}
	}
	return at
}

// line returns the source line of pc in function i.
func (t *funcTable) line(i int, pc uint64) (file string, line int) {
	r := t.record(i)
	if r == nil {
		return "", 0
	}
	le := binary.LittleEndian
	at := pc - t.entry(i)
	number, ok := pcValue(t.values, le.Uint32(r[recordFile:]), at)
	if !ok || number < 0 {
		return "", 0
	}
	// The file is an index into the list of the function's compilation unit,
	// which holds offsets of names.
	slot := (uint64(le.Uint32(r[recordUnit:])) + uint64(number)) * 4
	if slot+4 > uint64(len(t.units)) {
		return "", 0
	}
	file = cString(t.files, le.Uint32(t.units[slot:]))
	if n, ok := pcValue(t.values, le.Uint32(r[recordLine:]), at); ok && file != "" {
		line = int(n)
	}
	return file, line
}

// pcValue looks up the offset at of a function in the pc-value table that
// starts at start: pairs of varints, the zigzag-coded change of the value and
// the number of bytes of code it holds for. The value starts at -1, a change
// of zero after the first pair ends the table (Go 1.2 symbol table,
// golang.org/s/go12symtab).
func pcValue(values []byte, start uint32, at uint64) (value int32, ok bool) {
	if uint64(start) >= uint64(len(values)) {
		return 0, false
	}
	values = values[start:]
	value = -1
	for pc := uint64(0); ; {
		change, n := binary.Uvarint(values)
		if n <= 0 || change == 0 && pc != 0 {
			return 0, false
		}
		values = values[n:]
		bytes, n := binary.Uvarint(values)
		if n <= 0 {
			return 0, false
		}
		values = values[n:]
		value += int32(uint32(change)>>1) ^ -int32(change&1)
		if pc += uint64(uint32(bytes)); at < pc {
			return value, true
		}
	}
}
