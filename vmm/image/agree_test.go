package image

import (
	"bufio"
	"debug/elf"
	"debug/gosym"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestDecodeAgrees compares the decoder with GNU objdump on every instruction
// of the text.
func TestDecodeAgrees(t *testing.T) {
	if _, err := exec.LookPath("objdump"); err != nil {
		t.Skip("no GNU objdump here")
	}
	forEachToolchain(t, func(t *testing.T, toolchain, path string) {
		im, err := LoadOptions{NoPatch: true}.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("objdump", "-d", "-w", "-j", ".text", "--no-show-raw-insn", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		starts := map[uint64]bool{}
		data := map[int]bool{} // functions that objdump cannot decode either
		for lines := bufio.NewScanner(out); lines.Scan(); {
			at, text, ok := strings.Cut(lines.Text(), ":")
			pc, err := strconv.ParseUint(strings.TrimSpace(at), 16, 64)
			if !ok || err != nil {
				continue
			}
			starts[pc] = true
			if strings.Contains(text, "(bad)") {
				data[im.funcs.find(pc)] = true
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for i := range im.funcs.n {
			va, end := im.funcs.entry(i), im.funcs.entry(i+1)
			f := function{va: va, code: im.bytesAt(va, end-va)}
			f.decode(len(f.code))
			if data[i] {
				continue
			}
			if f.lost {
				t.Errorf("%s+%#x: undecodable: % x", im.funcs.name(i), f.end, f.code[f.end:min(f.end+maxInst, len(f.code))])
			}
			for j := range f.insts {
				if pc := va + uint64(f.insts[j].off); !starts[pc] {
					t.Fatalf("%s+%#x: objdump has no instruction here, after %+v", im.funcs.name(i), f.insts[j].off, f.insts[j-1])
				}
				n++
			}
		}
		if n == 0 || n > len(starts) {
			t.Errorf("%d instructions, objdump %d", n, len(starts))
		}
		t.Logf("%s: %d instructions agree, %d functions hold data", toolchain, n, len(data))
	})
}

// TestSymbols compares Symbol with debug/gosym, whole and stripped.
func TestSymbols(t *testing.T) {
	forEachToolchain(t, func(t *testing.T, toolchain, path string) {
		for _, path := range []string{path, buildGuest(t, toolchain, "-ldflags=-s -w")} {
			im := mustOpen(t, path)
			f, err := elf.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			pcln, err := f.Section(".gopclntab").Data()
			if err != nil {
				t.Fatal(err)
			}
			text := f.Section(".text")
			want, err := gosym.NewTable(nil, gosym.NewLineTable(pcln, text.Addr))
			if err != nil || len(want.Funcs) != im.funcs.n {
				t.Fatalf("gosym: %d functions, want %d: %v", len(want.Funcs), im.funcs.n, err)
			}
			lines := 0
			for pc := text.Addr; pc < text.Addr+text.Size; pc += 61 {
				file, line, fn := want.PCToLine(pc)
				gotFn, off, gotFile, gotLine, ok := im.Symbol(pc)
				if !ok || fn == nil || gotFn != fn.Name || pc-off != fn.Entry || gotFile != file || gotFile != "" && gotLine != line {
					t.Fatalf("%#x: %s+%#x %s:%d %v, gosym says %v %s:%d", pc, gotFn, off, gotFile, gotLine, ok, fn, file, line)
				}
				if file != "" {
					lines++
				}
			}
			if lines < 1000 {
				t.Errorf("only %d addresses have a line", lines)
			}
			s := im.Sites[0]
			if fn, _, file, _, ok := im.Symbol(s.Stub + 1); !ok || fn != s.Func || !strings.HasSuffix(file, ".s") {
				t.Errorf("a pc in the stub of %s is %s in %s", s.Func, fn, file)
			}
		}
	})
}

// TestBefore: the instruction before another is found wherever the code can be
// decoded, and nowhere else.
func TestBefore(t *testing.T) {
	forEachToolchain(t, func(t *testing.T, _, path string) {
		im := mustOpen(t, path)
		compared := 0
		for i := 0; i < im.funcs.n; i += 7 {
			va := im.funcs.entry(i)
			f := function{va: va, code: im.bytesAt(va, im.funcs.entry(i+1)-va)}
			f.decode(len(f.code))
			for j := range f.insts[:min(len(f.insts), 20)] {
				in := &f.insts[j]
				if pc, ok := im.Before(va + uint64(in.end())); !ok || pc != va+uint64(in.off) {
					t.Fatalf("before %#x: %#x, %v, want %#x", va+uint64(in.end()), pc, ok, va+uint64(in.off))
				}
				if compared++; in.len > 1 {
					if pc, ok := im.Before(va + uint64(in.end()) - 1); ok && pc == va+uint64(in.off) {
						t.Fatalf("an instruction ends at %#x, within that at %#x", va+uint64(in.end())-1, pc)
					}
				}
			}
		}
		if pc, ok := im.Before(0); ok || compared < 1000 {
			t.Errorf("%d compared; before 0: %#x", compared, pc)
		}
	})
}
