package corefile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"barreleye/devices/boot"
	"barreleye/vmm/postmortem"
)

// core is a core with three pages of text, and a page of data every other page.
type core struct{ threads []postmortem.Thread }

const (
	textVA = 0x40_0000
	dataVA = 0x10_0000_0000
	pages  = 300
)

func (c core) Threads() []postmortem.Thread { return c.threads }

func (core) Ranges() []postmortem.Range {
	return []postmortem.Range{
		{Start: textVA, End: textVA + 3*pageSize, Prot: boot.Read | boot.Exec, Kind: "text"},
		{Start: dataVA, End: dataVA + pages*pageSize, Prot: boot.Read | boot.Write, Kind: "ram"},
	}
}

func (core) ReadAt(b []byte, va uint64) int {
	for i := range b {
		b[i] = 0
		if a := va + uint64(i); a < dataVA || a/pageSize%2 == 0 {
			b[i] = byte(a>>3) | 1
		}
	}
	return len(b)
}

func (core) Backed(va uint64) bool { return va < dataVA+pages/2*pageSize }

// TestWrite writes a core file and reads it again by debug/elf.
func TestWrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "core")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := core{threads: []postmortem.Thread{
		{TID: 0, Regs: postmortem.Registers{RIP: textVA + 5, RSP: dataVA, R15: 15, FSBase: 77}, Vector: bytes.Repeat([]byte{1}, 4096)},
		{TID: 3, Regs: postmortem.Registers{RIP: textVA + 9}},
		{TID: 3}, // numbers may be anything
	}}
	if err := Write(f, c, Info{Name: "image", Args: "image -x", Signal: 11}, DefaultLimit); err != nil {
		t.Fatal(err)
	}
	e, err := elf.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.Type != elf.ET_CORE || e.Machine != elf.EM_X86_64 || len(e.Progs) != 3 {
		t.Fatalf("%v for %v with %d headers", e.Type, e.Machine, len(e.Progs))
	}
	text, data := e.Progs[1], e.Progs[2]
	if text.Vaddr != textVA || text.Flags != elf.PF_R|elf.PF_X || data.Vaddr != dataVA || data.Memsz != pages*pageSize {
		t.Errorf("loads %+v, %+v", text.ProgHeader, data.ProgHeader)
	}
	got := make([]byte, data.Filesz)
	if _, err := data.ReadAt(got, 0); err != nil {
		t.Fatal(err)
	}
	for page := range pages {
		var want [pageSize]byte
		if va := uint64(dataVA + page*pageSize); c.Backed(va) {
			c.ReadAt(want[:], va)
		}
		if !bytes.Equal(got[page*pageSize:][:pageSize], want[:]) {
			t.Fatalf("page %d of the data differs", page)
		}
	}
	notes := make([]byte, e.Progs[0].Filesz)
	if _, err := e.Progs[0].ReadAt(notes, 0); err != nil {
		t.Fatal(err)
	}
	var tids []uint32
	for len(notes) > 0 {
		le := binary.LittleEndian
		size, kind := le.Uint32(notes[4:]), le.Uint32(notes[8:])
		body := notes[12+8:][:size] // both names take 8 bytes
		notes = notes[12+8+(size+3)&^3:]
		if kind != ntPRStatus {
			continue
		}
		tids = append(tids, le.Uint32(body[32:]))
		if len(tids) == 1 && (le.Uint32(body) != 11 || le.Uint64(body[112:]) != 15 || le.Uint64(body[112+16*8:]) != textVA+5 || le.Uint64(body[112+21*8:]) != 77) {
			t.Errorf("registers of the first thread: % x", body)
		}
		if size != 336 {
			t.Errorf("prstatus of %d bytes", size)
		}
	}
	if len(tids) != 3 || tids[0] == 0 || tids[1] != 3 || tids[2] == 3 {
		t.Errorf("threads %v", tids)
	}
}

// TestLimit: what is beyond the limit is missing, and that is said.
func TestLimit(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "core"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Write(f, core{threads: []postmortem.Thread{{TID: 1}}}, Info{}, 5*pageSize); !errors.Is(err, ErrLimit) {
		t.Fatalf("%v, want ErrLimit", err)
	}
	e, err := elf.NewFile(f)
	if err != nil {
		t.Fatal(err)
	}
	var page [pageSize]byte
	for at, empty := range map[int64]bool{0: false, 2 * pageSize: false, 4 * pageSize: true} {
		if _, err := e.Progs[2].ReadAt(page[:], at); err != nil {
			t.Fatal(err)
		}
		if (page == zeroes) != empty {
			t.Errorf("data at %d is empty: %v", at, page == zeroes)
		}
	}
}
