package image

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"barreleye/devices/layout"
)

// goodFake has one patchable system call.
func goodFake() fake {
	return fake{funcs: []fakeFunc{{"pkg.call", []byte{0xB8, 0x27, 0, 0, 0, 0x0F, 0x05, 0xC3}}}}
}

func TestLoadFake(t *testing.T) {
	data := goodFake().build()
	before := bytes.Clone(data)
	im, err := Load("fake", data)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, before) {
		t.Error("Load changed its input")
	}
	want := Site{Func: "pkg.call", PC: fakeFirst + 5, Stub: layout.StubVA, Patched: true}
	if len(im.Sites) != 1 || im.Sites[0] != want {
		t.Fatalf("sites %+v, want %+v", im.Sites, want)
	}
	if im.Entry != fakeEntry || im.Table != fakeTable() {
		t.Errorf("entry %#x, table %#x", im.Entry, im.Table)
	}
	if s := im.Segments[1]; s.Perm.String() != "r--" || s.MemSize <= uint64(len(s.Data)) {
		t.Errorf("data segment %v, %d bytes of %d", s.Perm, len(s.Data), s.MemSize)
	}
	if fn, off, _, _, ok := im.Symbol(layout.StubVA + 7); !ok || fn != "pkg.call" || off != 5 {
		t.Errorf("a pc in the stub is %s+%d, %v", fn, off, ok)
	}
	if _, _, _, _, ok := im.Symbol(fakeFirst + 8); ok {
		t.Error("a pc behind the text has a symbol")
	}
}

func TestNoPatch(t *testing.T) {
	data := goodFake().build()
	im, err := LoadOptions{NoPatch: true}.Load("fake", data)
	if err != nil {
		t.Fatal(err)
	}
	if u := im.Unpatched(); len(u) != 1 || u[0].Reason != reasonNoPatch || len(im.Stubs) != 0 {
		t.Errorf("sites %+v, %d bytes of stubs", u, len(im.Stubs))
	}
	if !bytes.Contains(im.Segments[0].Data, syscallCode) {
		t.Error("the text was changed")
	}
}

// TestTruncated cuts a good file everywhere: an error each time, no panic.
func TestTruncated(t *testing.T) {
	data := goodFake().build()
	for n := range data {
		if _, err := Load("cut", data[:n]); err == nil {
			t.Fatalf("%d of %d bytes loaded without an error", n, len(data))
		}
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "guest")
	if err := os.WriteFile(path, goodFake().build(), 0o600); err != nil {
		t.Fatal(err)
	}
	if im, err := Open(path); err != nil || im.Name != "guest" {
		t.Errorf("image %v, error %v", im, err)
	}
	if _, err := Open(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Open("/dev/zero"); !errors.Is(err, ErrNotELF) {
		t.Errorf("device: %v", err)
	}
}
