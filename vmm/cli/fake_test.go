package cli

import (
	"bytes"
	"debug/elf"
	"encoding/binary"

	"barreleye/devices/layout"
)

// fakeELF makes an executable by hand that is good up to its image table, of
// the given ABI version, and has no function table. change may spoil its
// headers.
func fakeELF(abi uint64, change func(h *elf.Header64, progs []elf.Prog64)) []byte {
	const start = layout.PageSize
	le := binary.LittleEndian
	text := bytes.Repeat([]byte{0x90}, 64)
	var data []byte
	for _, w := range []uint64{layout.ImageMagic0, layout.ImageMagic1, abi} {
		data = le.AppendUint64(data, w)
	}
	segment := func(flags elf.ProgFlag, va uint64, at, size int) elf.Prog64 {
		return elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(flags), Vaddr: va, Off: uint64(at), Filesz: uint64(size), Memsz: uint64(size)}
	}
	progs := []elf.Prog64{
		segment(elf.PF_R|elf.PF_X, layout.ImageVA, start, len(text)),
		segment(elf.PF_R, layout.ImageVA+1<<20, start+len(text), len(data)),
		{}, // PT_NULL, for a test to use
	}
	h := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Entry: layout.ImageVA, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: uint16(len(progs)), Shentsize: 64,
	}
	if change != nil {
		change(&h, progs)
	}
	var b bytes.Buffer
	binary.Write(&b, le, h)
	binary.Write(&b, le, progs)
	b.Write(make([]byte, start-b.Len()))
	b.Write(text)
	b.Write(data)
	return b.Bytes()
}
