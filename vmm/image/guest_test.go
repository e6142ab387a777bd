package image

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"barreleye/devices/layout"
)

// toolchains are the Go versions images are built with.
var toolchains = []string{"go1.26", "go1.27"}

// toolchainEnv selects a toolchain for the go command; "" keeps the local one.
var toolchainEnv = map[string]string{"go1.26": "", "go1.27": "GOTOOLCHAIN=go1.27.1"}

// built keeps the guests of one test run, by toolchain and flags.
var built struct {
	sync.Mutex
	dir   string
	paths map[string]string
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// goCommand prepares the go command of a toolchain, cgo off.
func goCommand(toolchain string, args ...string) *exec.Cmd {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-buildvcs=false", "GOWORK=off", toolchainEnv[toolchain])
	return cmd
}

// buildGuest builds testdata/guest as a module of its own and returns the path
// of the program. It skips the test when the toolchain cannot be had, except
// in CI.
func buildGuest(t testing.TB, toolchain string, flags ...string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	key := toolchain + " " + strings.Join(flags, " ")
	if path := built.paths[key]; path != "" {
		return path
	}
	requireToolchain(t, toolchain)
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "barreleye-image-")
		if err != nil {
			t.Fatal(err)
		}
		built.dir, built.paths = dir, map[string]string{}
		if err := os.CopyFS(filepath.Join(dir, "guest"), os.DirFS("testdata/guest")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "guest", "go.mod"), []byte("module guest\n\ngo 1.26\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(built.dir, strings.NewReplacer(" ", "_", "/", "_").Replace(key))
	cmd := goCommand(toolchain, append(append([]string{"build", fmt.Sprintf("-asmflags=-D=ABI=%d", layout.ABI), "-o", path}, flags...), ".")...)
	cmd.Dir = filepath.Join(built.dir, "guest")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	built.paths[key] = path
	return path
}

func requireToolchain(t testing.TB, toolchain string) {
	t.Helper()
	out, err := goCommand(toolchain, "env", "GOVERSION").CombinedOutput()
	switch version := strings.TrimSpace(string(out)); {
	case err == nil && strings.HasPrefix(version, toolchain):
	case os.Getenv("CI") == "true":
		t.Fatalf("CI needs toolchain %s: %v %s", toolchain, err, version)
	default:
		t.Skipf("toolchain %s cannot be had here: %v %s", toolchain, err, version)
	}
}

// strip returns a copy of the program without symbols, made by strip(1).
func strip(t *testing.T, path string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "stripped")
	if b, err := exec.Command("strip", "-o", out, path).CombinedOutput(); errors.Is(err, exec.ErrNotFound) {
		t.Skip("no strip(1) here")
	} else if err != nil {
		t.Fatalf("strip: %v\n%s", err, b)
	}
	return out
}
