package image

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"barreleye/devices/layout"
)

// TestRefused spoils one thing of a good file at a time.
func TestRefused(t *testing.T) {
	word := func(i int, v uint64) func(*[layout.TableWords]uint64) {
		return func(t *[layout.TableWords]uint64) { t[i] = v }
	}
	prog := func(i int, change func(*elf.Prog64)) func([]elf.Prog64) []elf.Prog64 {
		return func(p []elf.Prog64) []elf.Prog64 { change(&p[i]); return p }
	}
	extra := func(kind elf.ProgType) func([]elf.Prog64) []elf.Prog64 {
		return func(p []elf.Prog64) []elf.Prog64 { return append(p, elf.Prog64{Type: uint32(kind), Off: 0x1000}) }
	}
	for _, c := range []struct {
		name string
		want error
		f    fake
	}{
		{"32-bit", ErrMachine, fake{header: func(h *elf.Header64) { h.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS32) }}},
		{"arm64", ErrMachine, fake{header: func(h *elf.Header64) { h.Machine = uint16(elf.EM_AARCH64) }}},
		{"FreeBSD", ErrMachine, fake{header: func(h *elf.Header64) { h.Ident[elf.EI_OSABI] = byte(elf.ELFOSABI_FREEBSD) }}},
		{"object file", ErrNotELF, fake{header: func(h *elf.Header64) { h.Type = uint16(elf.ET_REL) }}},
		{"ET_DYN", ErrPIE, fake{header: func(h *elf.Header64) { h.Type = uint16(elf.ET_DYN) }}},
		{"interpreter", ErrDynamic, fake{progs: extra(elf.PT_INTERP)}},
		{"dynamic section", ErrDynamic, fake{progs: extra(elf.PT_DYNAMIC)}},
		{"program headers beyond end", ErrTruncated, fake{header: func(h *elf.Header64) { h.Phoff = 1 << 40 }}},
		{"section headers beyond end", ErrTruncated, fake{header: func(h *elf.Header64) { h.Shoff = 1 << 40 }}},
		{"contents beyond end", ErrTruncated, fake{progs: prog(1, func(p *elf.Prog64) { p.Filesz = 1 << 30; p.Memsz = 1 << 30 })}},
		{"contents wrap around", ErrTruncated, fake{progs: prog(1, func(p *elf.Prog64) { p.Off = 1<<63 - 1 })}},
		{"below the image", ErrSegment, fake{progs: prog(0, func(p *elf.Prog64) { p.Vaddr = 0x1000 })}},
		{"huge memory", ErrSegment, fake{progs: prog(1, func(p *elf.Prog64) { p.Memsz = 1 << 62 })}},
		{"memory wraps around", ErrSegment, fake{progs: prog(1, func(p *elf.Prog64) { p.Memsz = -uint64(p.Vaddr) })}},
		{"less memory than contents", ErrSegment, fake{progs: prog(1, func(p *elf.Prog64) { p.Memsz = 1 })}},
		{"unaligned", ErrSegment, fake{progs: prog(1, func(p *elf.Prog64) { p.Vaddr += 8 })}},
		{"overlap", ErrSegment, fake{progs: prog(1, func(p *elf.Prog64) { p.Vaddr = fakeText })}},
		{"writable text", ErrSegment, fake{progs: prog(0, func(p *elf.Prog64) { p.Flags = 7 })}},
		{"contents used twice", ErrSegment, fake{progs: func(p []elf.Prog64) []elf.Prog64 {
			for i := range uint64(8) {
				q := p[1]
				q.Vaddr += (i + 1) << 24
				p = append(p, q)
			}
			return p
		}, data: func(b []byte) []byte { return append(b, make([]byte, 1<<14)...) }}},
		{"entry in data", ErrSegment, fake{header: func(h *elf.Header64) { h.Entry = fakeData }}},
		{"no table", ErrNoTable, fake{table: word(layout.TableMagic0, 0)}},
		{"half the magic", ErrNoTable, fake{table: word(layout.TableMagic1, 0)}},
		{"unaligned table", ErrNoTable, fake{shift: 4}},
		{"table only in text", ErrNoTable, fake{progs: prog(1, func(p *elf.Prog64) { p.Flags = 5 })}},
		{"two tables", ErrTable, fake{data: func(b []byte) []byte { return append(b, b...) }}},
		{"other ABI", ErrABI, fake{table: word(layout.TableABI, layout.ABI+1)}},
		{"pointer to data", ErrTable, fake{table: word(layout.TableTick, fakeData)}},
		{"no trap entry", ErrTable, fake{table: word(layout.TableTrap, 0)}},
		{"vectors cut off", ErrTable, fake{table: word(layout.TableVectors, fakeText+fakeDriver-1)}},
		{"exit window outside", ErrTable, fake{table: word(layout.TableLeave, fakeCritical+0x20)}},
		{"critical text reversed", ErrTable, fake{table: word(layout.TableCritical, fakeCritical+0x11)}},
		{"critical text too large", ErrTable, fake{table: word(layout.TableCriticalEnd, fakeFirst+0x10000),
			funcs: []fakeFunc{{"big", bytes.Repeat([]byte{0x90}, 0x20000)}}}},
		{"old function table", ErrPclntab, fake{pcln: func(b []byte) { b[0] = 0xf0 }}},
		{"other text start", ErrPclntab, fake{pcln: func(b []byte) { b[pclnTextStart] = 1 }}},
		{"too many functions", ErrPclntab, fake{pcln: func(b []byte) { b[pclnFuncs+6] = 0xff }}},
		{"names outside", ErrPclntab, fake{pcln: func(b []byte) { b[pclnNames+7] = 0xff }}},
		{"entry not a function", ErrPclntab, fake{header: func(h *elf.Header64) { h.Entry++ }}},
		{"functions reach beyond text", ErrPclntab, fake{pcln: func(b []byte) { b[len(b)-recordBytes-2] = 0xff }}},
	} {
		t.Run(c.name, func(t *testing.T) { checkRefused(t, c.f.build(), c.want) })
	}
	t.Run("truncated table", func(t *testing.T) {
		short := fake{progs: prog(1, func(p *elf.Prog64) { p.Filesz = 5 * wordSize })}
		checkRefused(t, short.build(), ErrTable)
	})
	t.Run("script", func(t *testing.T) { checkRefused(t, []byte("#!/bin/sh\n"), ErrNotELF) })
	t.Run("empty", func(t *testing.T) { checkRefused(t, nil, ErrNotELF) })
	t.Run("header only", func(t *testing.T) { checkRefused(t, fake{}.build()[:40], ErrTruncated) })
}

// checkRefused wants data refused with the sentinel want and no other, in one
// line that ends in a next step.
func checkRefused(t *testing.T, data []byte, want error) {
	t.Helper()
	_, err := Load("bad", data)
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
	for _, other := range []error{ErrNotELF, ErrMachine, ErrPIE, ErrDynamic, ErrTruncated, ErrSegment, ErrNoTable, ErrTable, ErrABI, ErrPclntab} {
		if other != want && errors.Is(err, other) {
			t.Errorf("%v is also %v", err, other)
		}
	}
	if s := err.Error(); !strings.HasPrefix(s, "image bad: ") || strings.Count(s, ": ") < 4 || strings.Contains(s, "\n") {
		t.Errorf("message %q is not one line with a next step", s)
	}
	t.Log(err)
}

// TestRealRefused builds what people will build by mistake.
func TestRealRefused(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[string]error{"pie": ErrPIE, "exe": ErrNoTable} {
		path := filepath.Join(dir, mode)
		if out, err := goCommand("go1.26", "build", "-buildmode="+mode, "-o", path, source).CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		checkRefused(t, data, want)
	}
}
