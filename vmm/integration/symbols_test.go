package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"barreleye/vmm/image"
)

// withSymbols returns an image with the symbols that built-in ones lack, and the ELF file
// that gdb reads them from.
func withSymbols(t *testing.T, name string) (program string, im *image.Image) {
	t.Helper()
	if _, err := exec.LookPath("gdb"); err != nil {
		lacks(t, "no gdb: apt-get install gdb")
	}
	program = filepath.Join("symbols", name+".elf") // in the lane, which has no Go
	if !inLane() {
		program = filepath.Join(t.TempDir(), name+".elf")
		build := exec.Command("go", "build", "-o", program, "barreleye/images/"+name)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if im, err = (image.LoadOptions{}).Load(name, data); err != nil {
		t.Fatal(err)
	}
	return program, im
}
