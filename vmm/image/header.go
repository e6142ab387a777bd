package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// ehdrSize is the size of an ELF64 file header in bytes (elf.h, Elf64_Ehdr).
const ehdrSize = 64

// parseELF reads the headers of the ELF file in data and refuses what is not a
// static, position-dependent linux/amd64 executable.
func parseELF(data []byte) (*elf.File, error) {
	if err := checkIdent(data); err != nil {
		return nil, err
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, refuse(ErrTruncated, "headers", err, nextRebuild)
	}
	switch f.Type {
	case elf.ET_EXEC:
	case elf.ET_DYN:
		return nil, refuse(ErrPIE, "file header", "type is ET_DYN", "build without -buildmode=pie or c-shared")
	default:
		return nil, refuse(ErrNotELF, "file header", fmt.Sprintf("type is %v, want ET_EXEC", f.Type), nextBuild)
	}
	for i, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			return nil, refuse(ErrDynamic, fmt.Sprintf("program header %d", i), fmt.Sprintf("%v present", p.Type), "build with CGO_ENABLED=0")
		}
	}
	return f, nil
}

// checkIdent looks at the fields that say what kind of file this is, before
// debug/elf does, which calls some of them format errors.
func checkIdent(data []byte) error {
	if !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		n := min(len(data), 4)
		return refuse(ErrNotELF, "file header", fmt.Sprintf("starts with [% x], want [7f 45 4c 46]", data[:n]), nextBuild)
	}
	if len(data) < ehdrSize {
		return refuse(ErrTruncated, "file header", fmt.Sprintf("file has %d bytes, the header alone %d", len(data), ehdrSize), nextRebuild)
	}
	class, order, abi := elf.Class(data[elf.EI_CLASS]), elf.Data(data[elf.EI_DATA]), elf.OSABI(data[elf.EI_OSABI])
	machine := elf.Machine(binary.LittleEndian.Uint16(data[18:]))
	switch {
	case class != elf.ELFCLASS64 || order != elf.ELFDATA2LSB:
		return refuse(ErrMachine, "file header", fmt.Sprintf("%v, %v", class, order), nextBuild)
	case machine != elf.EM_X86_64:
		return refuse(ErrMachine, "file header", fmt.Sprintf("machine is %v", machine), nextBuild)
	case abi != elf.ELFOSABI_NONE && abi != elf.ELFOSABI_LINUX:
		return refuse(ErrMachine, "file header", fmt.Sprintf("operating system is %v", abi), nextBuild)
	}
	return nil
}
