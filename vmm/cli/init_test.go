package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"barreleye/vmm/image"
)

var treeDir = filepath.Join(packageDir, "..", "..")

// newProgram makes a module as `barreleye init` does and returns its folder.
func newProgram(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a folder", "greet")
	if got := inProcess("", "init", "--source", treeDir, dir); got.code != CodeOK || got.err != "" {
		t.Fatalf("code %d: %s%s", got.code, got.out, got.err)
	}
	return dir
}

// TestInit makes a module and does with it what its README.md says.
func TestInit(t *testing.T) {
	dir := newProgram(t)
	binary, err := commandBinary()
	if err != nil {
		t.Fatal(err)
	}
	// No download: nothing but the standard library is needed.
	env := append(os.Environ(), "BARRELEYE="+binary, "GOPROXY=off", "GOFLAGS=-buildvcs=false")
	for _, args := range []string{"vet ./...", "test -count=1 -v ./...", "mod tidy -diff", "build -o plain ."} {
		cmd := exec.Command("go", strings.Fields(args)...)
		cmd.Dir, cmd.Env = dir, env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", args, err, out)
		}
	}
	for _, platform := range platforms() {
		for _, program := range []string{dir, filepath.Join(dir, "plain")} {
			got := inProcess("/dev/kvm", "run", "--platform", platform, "--cores", "3", program, "--", "1000")
			if got.code != CodeOK || !strings.Contains(got.out, "[0] 168 primes below 1000, counted by 3 cores\n") {
				t.Errorf("%s on %s: code %d: %s%s", program, platform, got.code, got.out, got.err)
			}
		}
	}
}

func TestInitJSON(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "greet")
	got := inProcess("", "init", "--source", treeDir, "--module", "git.example.org/greet", "-o", "json", dir)
	var m newModule
	if err := json.Unmarshal([]byte(got.out), &m); err != nil {
		t.Fatalf("%v: code %d: %s%s", err, got.code, got.out, got.err)
	}
	if m.Dir != dir || m.Module != "git.example.org/greet" || m.Source != treeDir || !slices.Contains(m.Files, "main.go") {
		t.Errorf("it says %+v", m)
	}
}

// TestBuild builds a module's program where it is asked to.
func TestBuild(t *testing.T) {
	dir := newProgram(t)
	t.Chdir(t.TempDir())
	build := func(args ...string) builtImage {
		t.Helper()
		got := inProcess("", append([]string{"build", "-o", "json"}, args...)...)
		var b builtImage
		if err := json.Unmarshal([]byte(got.out), &b); err != nil {
			t.Fatalf("%v: %v: code %d: %s%s", args, err, got.code, got.out, got.err)
		}
		im, err := image.Open(b.Image)
		if err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(b.Image); err != nil || int(st.Size()) != b.Bytes || st.Mode().Perm()&0o100 == 0 {
			t.Errorf("%v: file %v, %v, want an executable one of %d bytes", args, st, err, b.Bytes)
		}
		if b.Syscalls == 0 || b.Syscalls != len(im.Sites) || b.Patched != b.Syscalls-len(im.Unpatched()) {
			t.Errorf("%v: %d of %d patched, the image has %d and %d unpatched", args, b.Patched, b.Syscalls, len(im.Sites), len(im.Unpatched()))
		}
		return b
	}
	if err := os.Mkdir("greet", 0o755); err != nil { // no name of ours
		t.Fatal(err)
	}
	if b := build(dir); b.Image != "greet.elf" {
		t.Errorf("without --out: %s", b.Image)
	}
	if b := build(dir, "--out", "greet"); b.Image != "greet/greet.elf" {
		t.Errorf("--out with a folder: %s", b.Image)
	}
	build(dir, "--out", "mine")
	b := build(dir, "--out", "mine") // again, over a file
	if b.Image != "mine" {
		t.Errorf("--out with a file: %s", b.Image)
	}
	t.Chdir(dir)
	if b := build("example.com/greet", "--out", "package"); b.Image != "package" {
		t.Errorf("a package: %s", b.Image)
	}
	if got := inProcess("", "build"); got.code != CodeOK || !strings.Contains(got.out, "greet.elf: ") || !strings.Contains(got.out, " system calls patched\n") {
		t.Errorf("code %d: %s%s", got.code, got.out, got.err)
	}
}
