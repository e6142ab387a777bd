package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"

	"barreleye/devices/layout"
)

// Places in a fake image. The driver's dummy code comes first, so that the
// table always points to something.
const (
	fakeText     = layout.ImageVA
	fakeDriver   = 0x400                  // bytes of dummy driver code
	fakeCritical = fakeText + 0x300       // critical text, exit window, end
	fakeFirst    = fakeText + fakeDriver  // first function under test
	fakeData     = layout.ImageVA + 1<<24 // read-only data: table, function table
	fakeEntry    = fakeText
)

// fakeFunc is one function of a fake image.
type fakeFunc struct {
	name string
	code []byte
}

// fake describes an ELF file made by hand. The zero value with some functions
// makes a good image; tests spoil one part of it.
type fake struct {
	funcs  []fakeFunc
	table  func(*[layout.TableWords]uint64)
	header func(*elf.Header64)
	progs  func([]elf.Prog64) []elf.Prog64
	pcln   func([]byte)
	data   func([]byte) []byte // contents of the data segment
	shift  int                 // moves the table off its alignment
}

func fakeTable() [layout.TableWords]uint64 {
	var t [layout.TableWords]uint64
	t[layout.TableMagic0], t[layout.TableMagic1], t[layout.TableABI] = layout.ImageMagic0, layout.ImageMagic1, layout.ABI
	for i := layout.TableSyscall; i < layout.TableWords; i++ {
		t[i] = fakeText + uint64(i)
	}
	t[layout.TableCritical], t[layout.TableLeave], t[layout.TableCriticalEnd] = fakeCritical, fakeCritical+0x10, fakeCritical+0x20
	return t
}

// build returns the file.
func (f fake) build() []byte {
	le := binary.LittleEndian
	driver := bytes.Repeat([]byte{0x90}, fakeDriver)
	funcs := append([]fakeFunc{{"driver", driver}}, f.funcs...)
	var text, names, entries, records []byte
	for _, fn := range funcs {
		entries = le.AppendUint32(entries, uint32(len(text)))
		entries = le.AppendUint32(entries, uint32(len(funcs)*functabEntry+4+len(records)))
		record := make([]byte, recordBytes)
		le.PutUint32(record[recordName:], uint32(len(names)))
		records = append(records, record...)
		names = append(append(names, fn.name...), 0)
		text = append(text, fn.code...)
	}
	entries = le.AppendUint32(entries, uint32(len(text)))
	pcln := make([]byte, pclnHeaderSize)
	le.PutUint32(pcln, pclnMagic)
	pcln[6], pcln[pclnPtrSize] = 1, wordSize
	le.PutUint64(pcln[pclnFuncs:], uint64(len(funcs)))
	for _, at := range []int{pclnNames, pclnUnits, pclnFiles, pclnValues} {
		le.PutUint64(pcln[at:], pclnHeaderSize)
	}
	le.PutUint64(pcln[pclnFuncTab:], uint64(pclnHeaderSize+len(names)))
	pcln = slices.Concat(pcln, names, entries, records)
	if f.pcln != nil {
		f.pcln(pcln)
	}

	table := fakeTable()
	if f.table != nil {
		f.table(&table)
	}
	data := make([]byte, f.shift)
	for _, w := range table {
		data = le.AppendUint64(data, w)
	}
	if f.data != nil {
		data = f.data(data)
	}
	pclnAt := len(data)
	data = append(data, pcln...)
	return f.file(text, data, pclnAt, len(pcln))
}

// file lays out headers, text, data and sections.
func (f fake) file(text, data []byte, pclnAt, pclnLen int) []byte {
	const start = layout.PageSize
	names := []byte("\x00.text\x00.gopclntab\x00.shstrtab\x00")
	textOff, dataOff := uint64(start), uint64(start+len(text))
	namesOff := dataOff + uint64(len(data))
	progs := []elf.Prog64{
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Off: textOff, Vaddr: fakeText, Filesz: uint64(len(text)), Memsz: uint64(len(text))},
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R), Off: dataOff, Vaddr: fakeData, Filesz: uint64(len(data)), Memsz: uint64(len(data)) + 0x100000},
	}
	if f.progs != nil {
		progs = f.progs(progs)
	}
	sections := []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_EXECINSTR), Addr: fakeText, Off: textOff, Size: uint64(len(text))},
		{Name: 7, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC), Addr: fakeData + uint64(pclnAt), Off: dataOff + uint64(pclnAt), Size: uint64(pclnLen)},
		{Name: 18, Type: uint32(elf.SHT_STRTAB), Off: namesOff, Size: uint64(len(names))},
	}
	h := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Entry: fakeEntry, Phoff: ehdrSize, Shoff: namesOff + uint64(len(names)), Ehsize: ehdrSize,
		Phentsize: 56, Phnum: uint16(len(progs)), Shentsize: 64, Shnum: uint16(len(sections)), Shstrndx: 3,
	}
	if f.header != nil {
		f.header(&h)
	}
	return writeFile(h, progs, slices.Concat(text, data, names), sections)
}

// elfFile returns an executable without sections. body starts in the second
// page of the file.
func elfFile(entry uint64, progs []elf.Prog64, body []byte) []byte {
	return writeFile(elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Entry: entry, Phoff: ehdrSize, Ehsize: ehdrSize, Phentsize: 56, Phnum: uint16(len(progs)), Shentsize: 64,
	}, progs, body, nil)
}

func writeFile(h elf.Header64, progs []elf.Prog64, body []byte, sections []elf.Section64) []byte {
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, h)
	binary.Write(&b, binary.LittleEndian, progs)
	b.Write(make([]byte, layout.PageSize-b.Len()))
	b.Write(body)
	binary.Write(&b, binary.LittleEndian, sections)
	return b.Bytes()
}
