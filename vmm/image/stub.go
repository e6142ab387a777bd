package image

import (
	"bytes"
	"encoding/binary"

	"barreleye/devices/layout"
)

// Encodings the patcher writes (Intel SDM vol. 2).
const (
	opMovECX = 0xB9 // MOV ECX, imm32; clears the upper half of RCX
	opJmp    = 0xE9 // JMP rel32, relative to the next instruction
	opInt3   = 0xCC // #BP: running into it ends in a crash report
	jumpLen  = 5
)

// stubAlign is the alignment of stubs in bytes.
const stubAlign = 16

// stubAt returns the address of the stub at offset off of Image.Stubs.
func stubAt(off int) uint64 { return layout.StubVA + uint64(off) }

// makeStub returns the code of the stub at va: the displaced instructions,
// RCX = ret, and a jump to the driver's entry, filled with INT3 to a multiple
// of stubAlign. Flags and all other registers stay as the displaced
// instructions leave them. (SYSCALL also destroys R11, the stub does not.)
func makeStub(va uint64, displaced []byte, ret, entry uint64) []byte {
	b := bytes.Clone(displaced)
	b = append(b, opMovECX)
	b = binary.LittleEndian.AppendUint32(b, uint32(ret)) // below layout.ImageEnd
	b = appendJump(b, va+uint64(len(b)), entry)
	for len(b)%stubAlign != 0 {
		b = append(b, opInt3)
	}
	return b
}

// redirect overwrites the site at va with a jump to stub and INT3.
func redirect(site []byte, va, stub uint64) {
	for i := copy(site, appendJump(nil, va, stub)); i < len(site); i++ {
		site[i] = opInt3
	}
}

// appendJump appends JMP target for an instruction at address from. Image and
// stubs lie in the low 2 GiB, so every distance fits.
func appendJump(b []byte, from, target uint64) []byte {
	return binary.LittleEndian.AppendUint32(append(b, opJmp), uint32(target-(from+jumpLen)))
}
