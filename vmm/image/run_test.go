package image

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"barreleye/devices/layout"
)

// TestPatchedGuestRuns writes a patched image out as an ELF file and runs it on
// the host, where syscallEntry of the guest makes the system calls.
func TestPatchedGuestRuns(t *testing.T) {
	forEachToolchain(t, func(t *testing.T, toolchain, path string) {
		patched := filepath.Join(t.TempDir(), "patched")
		if err := os.WriteFile(patched, writeELF(mustOpen(t, path)), 0o700); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(patched).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		count, ok := strings.CutPrefix(strings.TrimSpace(string(out)), "guest finished, patched calls: ")
		if n, err := strconv.Atoi(count); !ok || err != nil || n < 100 {
			t.Fatalf("output %q, want at least 100 calls", out)
		}
		t.Logf("%s calls through stubs", count)
	})
}

// writeELF makes an executable of the segments and stubs of im.
func writeELF(im *Image) []byte {
	segs := append([]Segment{}, im.Segments...)
	segs = append(segs, Segment{VA: layout.StubVA, MemSize: uint64(len(im.Stubs)), Data: im.Stubs, Perm: PermR | PermX})
	var progs []elf.Prog64
	var body []byte
	for _, s := range segs {
		off := uint64(layout.PageSize + len(body))
		flags := map[Perm]elf.ProgFlag{PermR: elf.PF_R, PermR | PermW: elf.PF_R | elf.PF_W, PermR | PermX: elf.PF_R | elf.PF_X}[s.Perm]
		progs = append(progs, elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(flags), Off: off, Vaddr: s.VA, Filesz: uint64(len(s.Data)), Memsz: s.MemSize, Align: layout.PageSize})
		body = append(body, s.Data...)
		body = append(body, make([]byte, pageUp(uint64(len(body)))-uint64(len(body)))...)
	}
	return elfFile(im.Entry, progs, body)
}
