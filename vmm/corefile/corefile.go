// Package corefile writes ELF core files of cores, as the Linux kernel writes
// them of processes, so that gdb opens them beside the image: a note for each
// thread with its registers and vector state, and the mapped address space. Pages
// of zeroes are holes in the file.
//
// Format: elf(5), include/uapi/linux/elfcore.h, and for the registers
// arch/x86/include/asm/user_64.h.
package corefile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/vmm/postmortem"
)

// Info is what a core file says of the program beside threads and memory.
type Info struct {
	Name   string // of the image
	Args   string // its command line
	Signal int    // by which it ended, as Linux numbers them; 0 for none
}

// File is where a core file goes.
type File interface {
	io.WriterAt
	Truncate(size int64) error
}

// DefaultLimit is how many bytes of memory a core file holds at most.
const DefaultLimit = 1 << 30

// ErrLimit says that memory beyond the limit is missing from the file, where it
// reads as zeroes.
var ErrLimit = errors.New("more memory than the core file may hold: the rest reads as zeroes")

// maxLoads bounds the ranges of one file: their number has 16 bits.
const maxLoads = 60000

const pageSize = layout.PageSize

// Write writes the core file of what is left, with at most limit bytes of memory.
func Write(f File, left postmortem.Remains, info Info, limit uint64) error {
	threads, ranges := left.Threads(), left.Ranges()
	if len(ranges) > maxLoads {
		ranges = ranges[:maxLoads]
	}
	notes := makeNotes(threads, info)
	headers := uint64(binary.Size(elf.Header64{}) + (1+len(ranges))*binary.Size(elf.Prog64{}))
	progs := []elf.Prog64{{Type: uint32(elf.PT_NOTE), Off: headers, Filesz: uint64(len(notes)), Align: 4}}
	at := pageUp(headers + uint64(len(notes)))
	for _, r := range ranges {
		size := r.End - r.Start
		progs = append(progs, elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: flags(r.Prot), Off: at, Vaddr: r.Start, Filesz: size, Memsz: size, Align: pageSize})
		at += size
	}
	var head bytes.Buffer
	for _, part := range []any{header(len(progs)), progs} {
		if err := binary.Write(&head, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	if _, err := f.WriteAt(append(head.Bytes(), notes...), 0); err != nil {
		return err
	}
	if err := f.Truncate(int64(at)); err != nil {
		return err
	}
	for i, r := range ranges {
		var err error
		if limit, err = writeRange(f, int64(progs[i+1].Off), left, r, limit); err != nil {
			return err
		}
	}
	return nil
}

func header(progs int) *elf.Header64 {
	h := &elf.Header64{
		Type: uint16(elf.ET_CORE), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Phoff: uint64(binary.Size(elf.Header64{})), Ehsize: uint16(binary.Size(elf.Header64{})),
		Phentsize: uint16(binary.Size(elf.Prog64{})), Phnum: uint16(progs),
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	return h
}

func flags(prot uint8) (f uint32) {
	for _, b := range []struct {
		prot uint8
		flag elf.ProgFlag
	}{{boot.Read, elf.PF_R}, {boot.Write, elf.PF_W}, {boot.Exec, elf.PF_X}} {
		if prot&b.prot != 0 {
			f |= uint32(b.flag)
		}
	}
	return f
}

// chunk is how much is read and written at once.
const chunk = 64 * pageSize

var zeroes [pageSize]byte

// writeRange writes the pages of a range that hold anything, and returns what is
// left of the limit.
func writeRange(f File, at int64, left postmortem.Remains, r postmortem.Range, limit uint64) (uint64, error) {
	buf := make([]byte, 0, chunk)
	start := at
	flush := func() error {
		if len(buf) == 0 {
			return nil
		}
		_, err := f.WriteAt(buf, start)
		buf = buf[:0]
		return err
	}
	var page [pageSize]byte
	for va := r.Start; va < r.End; va, at = va+pageSize, at+pageSize {
		hole := !left.Backed(va)
		if !hole {
			n := left.ReadAt(page[:], va)
			clear(page[n:])
			hole = page == zeroes
		}
		if hole || len(buf) == chunk {
			if err := flush(); err != nil {
				return limit, err
			}
		}
		if hole {
			continue
		}
		if limit < pageSize {
			return limit, errors.Join(ErrLimit, flush())
		}
		limit -= pageSize
		if len(buf) == 0 {
			start = at
		}
		buf = append(buf, page[:]...)
	}
	return limit, flush()
}

func pageUp(n uint64) uint64 { return (n + pageSize - 1) &^ (pageSize - 1) }

// Name returns where the core file of a life lies in the run's folder.
func Name(core int, life uint64) string { return fmt.Sprintf("core-%d.life-%d.core", core, life) }

// DumpName is Name of the nth dump of a life that goes on.
func DumpName(core int, life uint64, n int) string {
	return fmt.Sprintf("core-%d.life-%d.dump-%d.core", core, life, n)
}
