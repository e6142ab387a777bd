package image

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// forEachToolchain runs f on an unstripped guest of every toolchain.
func forEachToolchain(t *testing.T, f func(t *testing.T, toolchain, path string)) {
	for _, toolchain := range toolchains {
		t.Run(toolchain, func(t *testing.T) { f(t, toolchain, buildGuest(t, toolchain)) })
	}
}

func mustOpen(t testing.TB, path string) *Image {
	t.Helper()
	im, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// TestAllSitesPatched compares the sites with what go tool objdump finds, and
// stripped images with the whole one.
func TestAllSitesPatched(t *testing.T) {
	forEachToolchain(t, func(t *testing.T, toolchain, path string) {
		want := objdumpSites(t, toolchain, path)
		variants := map[string]string{
			"whole":       path,
			"-s -w":       buildGuest(t, toolchain, "-ldflags=-s -w"),
			"no inlining": buildGuest(t, toolchain, "-gcflags=-l"),
		}
		if _, err := exec.LookPath("strip"); err == nil {
			variants["strip(1)"] = strip(t, path)
		}
		for name, path := range variants {
			im := mustOpen(t, path)
			for _, s := range im.Unpatched() {
				t.Errorf("%s: %s: call at %#x is not patched: %s", name, s.Func, s.PC, s.Reason)
			}
			if len(im.Sites) != len(want) {
				t.Errorf("%s: %d sites, objdump has %d", name, len(im.Sites), len(want))
			}
			if name != "whole" {
				continue
			}
			for _, s := range im.Sites {
				if !want[s.PC] {
					t.Errorf("objdump has no SYSCALL at %#x in %s", s.PC, s.Func)
				}
			}
		}
		t.Logf("%s: %d sites, all patched in %d variants", toolchain, len(want), len(variants))
	})
}

// objdumpSites returns the addresses of SYSCALL by go tool objdump, without
// the driver's critical text.
func objdumpSites(t *testing.T, toolchain, path string) map[uint64]bool {
	t.Helper()
	out, err := goCommand(toolchain, "tool", "objdump", path).Output()
	if err != nil {
		t.Fatalf("go tool objdump: %v", err)
	}
	sites := map[uint64]bool{}
	function := ""
	for line := range bytes.Lines(out) {
		f := strings.Fields(string(line))
		if len(f) > 1 && f[0] == "TEXT" {
			function = f[1]
		}
		if len(f) > 3 && f[3] == "SYSCALL" && !strings.HasPrefix(function, "main.syscallEntry") {
			pc, err := strconv.ParseUint(f[1], 0, 64)
			if err != nil {
				t.Fatalf("go tool objdump: %s", line)
			}
			sites[pc] = true
		}
	}
	if len(sites) == 0 {
		t.Fatal("go tool objdump finds no SYSCALL")
	}
	return sites
}

// TestStubs checks each stub and that nothing outside the sites changed.
func TestStubs(t *testing.T) {
	forEachToolchain(t, func(t *testing.T, toolchain, path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before := bytes.Clone(data)
		im, err := Load(toolchain, data)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, before) {
			t.Fatal("Load changed its input")
		}
		plain, err := LoadOptions{NoPatch: true}.Load(toolchain, data)
		if err != nil {
			t.Fatal(err)
		}
		for i := range im.Segments {
			got, was := &im.Segments[i], &plain.Segments[i]
			rest := bytes.Clone(got.Data)
			for _, s := range im.Sites {
				if s.PC < was.VA || s.PC >= was.end() {
					continue
				}
				start, end := checkSite(t, im, was.Data, was.VA, s)
				copy(rest[start-was.VA:end-was.VA], was.Data[start-was.VA:])
			}
			if !bytes.Equal(rest, was.Data) {
				t.Errorf("segment %v differs outside the sites", got.Perm)
			}
		}
	})
}
