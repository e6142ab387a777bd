package cli

import (
	"bytes"
	"debug/elf"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"barreleye/devices/layout"
)

var update = flag.Bool("update", false, "rewrite the files in testdata")

// What messages name that differs between machines and builds.
var (
	cpuList  = regexp.MustCompile(`\[\d+( \d+)*\]`)
	dataSize = regexp.MustCompile(`data of \d+ KiB`)
)

// TestErrors gives the command bad input of every kind and compares what it
// says, and its exit code, with testdata/errors.txt.
func TestErrors(t *testing.T) {
	good := buildGuest(t)
	dir := t.TempDir()
	t.Chdir(dir)
	for name, data := range map[string][]byte{
		"good":      good,
		"text":      []byte("#!/bin/sh\n"),
		"empty":     nil,
		"arm64":     fakeELF(layout.ABI, func(h *elf.Header64, _ []elf.Prog64) { h.Machine = uint16(elf.EM_AARCH64) }),
		"pie":       fakeELF(layout.ABI, func(h *elf.Header64, _ []elf.Prog64) { h.Type = uint16(elf.ET_DYN) }),
		"dynamic":   fakeELF(layout.ABI, func(_ *elf.Header64, p []elf.Prog64) { p[2].Type, p[2].Off = uint32(elf.PT_INTERP), 64 }),
		"plain":     fakeELF(layout.ABI, func(_ *elf.Header64, p []elf.Prog64) { p[1].Filesz = 8 }),
		"otherABI":  fakeELF(layout.ABI+1, nil),
		"truncated": fakeELF(layout.ABI, nil)[:layout.PageSize+10],
		"headless":  fakeELF(layout.ABI, nil)[:40],
		"writabletext": fakeELF(layout.ABI, func(_ *elf.Header64, p []elf.Prog64) {
			p[2] = elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: 7, Vaddr: layout.ImageVA + 2<<20, Memsz: layout.PageSize}
		}),
		"lib/lib.go":           []byte("package lib\n"),
		"broken/main.go":       []byte("package main\n\nfunc main() { x }\n"),
		"moved/moved.go":       []byte("package moved\n\nimport _ \"barreleye/guest\"\n"),
		"moved/moved_test.go":  []byte("package moved\n"),
		"moved/go.mod":         []byte("module moved\n\ngo 1.26\n\nrequire barreleye v0.0.0\n\nreplace barreleye => /nowhere/else\n"),
		"nothing/read.me":      nil,
		"go.mod":               []byte("module example\n\ngo 1.26\n"),
		"unknown.yaml":         []byte("# of a run\ncores: 2\ncoers: 2\n"),
		"twice.yaml":           []byte("cores: 2\ntick: 0\ncores: 3\n"),
		"value.yaml":           []byte("memory: lots\n"),
		"null.yaml":            []byte("memory:\n"),
		"list.yaml":            []byte("memory: [64M]\n"),
		"nested.yaml":          []byte("env:\n  - [A=b]\n"),
		"sentence.yaml":        []byte("four cores\n"),
		"syntax.yaml":          []byte("cores: 2\n\tmemory: 64M\n"),
		"second.yaml":          []byte("cores: 2\n---\ncores: 3\n"),
		"self.yaml":            []byte("config: self.yaml\n"),
		"tree/go.mod":          []byte("module barreleye\n\ngo 1.26.0\n"),
		"tree/guest/guest.go":  []byte("package guest\n"),
		"plainprogram/main.go": []byte("package main\n\nfunc main() {}\n"),
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}

	var all strings.Builder
	for _, c := range []struct {
		device string // the KVM device, "" for one that is not there
		args   string
	}{
		{"", "frobnicate"},
		{"", "rnu"},
		{"", "bench urcp"},
		{"", "run --coers 2 ./good"},
		{"", "--frobnicate"},
		{"", "help rnu"},
		{"", "help logs everything"},
		{"", "completion tcsh"},
		{"", "images all"},
		{"", "doctor -o yaml"},
		{"", "doctor --platform xen"},
		{"", "bench everything"},
		{"", "bench urpc slowly"},
		{"", "bench urpc --only base,everything"},
		{"", "bench urpc -o html"},
		{"", "bench urpc --html"},
		{"", "bench urpc --platform hosted --html nothere/page.html"},
		{"", "bench urpc --platform hosted --html lib"},
		{"", "run"},
		{"", "run -- good"},
		{"", "run ./good extra"},
		{"", "run --frobnicate ./good"},
		{"", "run --platform xen ./good"},
		{"", "run --cores many ./good"},
		{"", "run --cores 0 ./good"},
		{"", "run --cores 65 ./good"},
		{"", "run --memory lots ./good"},
		{"", "run --memory 8M ./good"},
		{"", "run --memory 64 ./good"},
		{"", "run --memory 65G ./good"},
		{"", "run --memory 17M ./good"},
		{"", "run --memory 16M ./good"},
		{"", "run --shared-memory 0M ./good"},
		{"", "run --shared-memory 3M ./good"},
		{"", "run --shared-memory 20G ./good"},
		{"", "run --tick soon ./good"},
		{"", "run --tick 1us ./good"},
		{"", "run --tick 1m ./good"},
		{"", "run --watchdog 1s ./good"},
		{"", "run --debug leaks ./good"},
		{"", "run --monitors ring ./good"},
		{"", "run --idle sleep ./good"},
		{"", "run --idle halt --poll 1ms ./good"},
		{"", "run --cores 64 --idle poll ./good"},
		{"", "run --trace-events driver,calls ./good"},
		{"", "run --metrics-addr nowhere ./good"},
		{"", "run --poll soon ./good"},
		{"", "run --poll -1us ./good"},
		{"", "run --halt-poll -2 ./good"},
		{"", "run --pin first ./good"},
		{"", "run --pin 0,9999 ./good"},
		{"", "run --env NAME ./good"},
		{"", "run --env =value ./good"},
		{"", "run --output yaml ./good"},
		{"", "run --file : ./good"},
		{"", "run --file text:relative ./good"},
		{"", "run --file nothere ./good"},
		{"", "run --file lib/nothere:/x ./good"},
		{"", "run --file text --file empty:/text ./good"},
		{"", "run --file text --file empty:/text/x ./good"},
		{"", "run --file " + os.DevNull + " ./good"},
		{"", "run ./good -- " + strings.Repeat("x", 140000)},

		{"", "config hide"},
		{"", "config show everything"},
		{"", "run --config nothere.yaml ./good"},
		{"", "run --config lib ./good"},
		{"", "run --config unknown.yaml ./good"},
		{"", "run --config twice.yaml ./good"},
		{"", "run --config value.yaml ./good"},
		{"", "run --config null.yaml ./good"},
		{"", "run --config list.yaml ./good"},
		{"", "run --config nested.yaml ./good"},
		{"", "run --config sentence.yaml ./good"},
		{"", "run --config syntax.yaml ./good"},
		{"", "run --config second.yaml ./good"},
		{"", "config show --config self.yaml"},

		{"", "logs one two"},
		{"", "logs nothere"},
		{"", "logs ./lib"},
		{"", "logs --core zero"},
		{"", "logs --since yesterday"},
		{"", "logs --level loud"},
		{"", "logs --grep ("},
		{"", "autopsy one two"},
		{"", "autopsy nothere"},
		{"", "ps"},
		{"", "ps nothere"},
		{"", "ps one two"},
		{"", "top"},
		{"", "top one two"},
		{"", "debug"},
		{"", "debug one two"},
		{"", "debug --core two"},
		{"", "debug --core 64"},
		{"", "debug --stdio --listen localhost:0"},
		{"", "top --interval 1ms"},
		{"", "shutdown --grace soon"},
		{"", "shutdown --grace -1s"},
		{"", "names nothere"},
		{"", "names --core 64"},
		{"", "ps --monitors nothere"},
		{"", "stacks nothere"},
		{"", "stacks one two"},
		{"", "stacks --core 64"},
		{"", "pprof"},
		{"", "pprof --core -1"},
		{"", "pprof --core 0 --profile cups"},
		{"", "pprof --core 0 --seconds 0"},
		{"", "pprof --core 0 nothere"},
		{"", "trace nothere"},
		{"", "trace one two"},
		{"", "trace --seconds 0"},
		{"", "trace --seconds 601"},
		{"", "trace --events calls"},
		{"", "core dance"},
		{"", "core stop"},
		{"", "core stop all"},
		{"", "core stop 64"},
		{"", "core stop 1 nothere"},
		{"", "core restart --grace -1s 1"},
		{"", "core update 1"},
		{"", "core update 1 ./good"},
		{"", "core add one two"},
		{"", "runs all"},
		{"", "runs prune"},
		{"", "runs prune --keep -1"},
		{"", "runs prune --older soon"},

		{"", "run nothere"},
		{"", "run ./text"},
		{"", "run ./empty"},
		{"", "run ./arm64"},
		{"", "run ./pie"},
		{"", "run ./dynamic"},
		{"", "run ./plain"},
		{"", "run ./otherABI"},
		{"", "run ./truncated"},
		{"", "run ./headless"},
		{"", "run ./writabletext"},
		{"", "run ./lib"},
		{"", "run ./broken"},
		{"", "run ./nothing"},
		{"", "run lib/lib.go"},
		{"", "run --dir text/logs ./good"},

		{"", "init"},
		{"", "init greet extra"},
		{"", "init greet"},
		{"", "init --source lib greet"},
		{"", "init --source tree --module a//b greet"},
		{"", "init --source tree --module barreleye/greet greet"},
		{"", "init --source tree na%me"},
		{"", "init --source tree lib"},
		{"", "init --source tree text"},
		{"", "init --source tree text/greet"},
		{"", "build one two"},
		{"", "build -o image ./broken"},
		{"", "build ./broken"},
		{"", "build ./lib"},
		{"", "build ./plainprogram"},
		{"", "build nothere"},
		{"", "test nothere"},
		{"", "test ./lib"},
		{"", "test ./moved"},
		{"", "test -frobnicate"},

		{"no-such-device", "run --platform kvm ./good"},
		// The kernel lets nobody write this file, not even root.
		{"/proc/sys/kernel/osrelease", "run --platform kvm ./good"},
		{os.DevNull, "run --platform kvm ./good"},
	} {
		got := inProcess(c.device, strings.Fields(c.args)...)
		if got.code < CodeUsage || got.code > CodeLacking && got.code != CodeHost {
			t.Errorf("%.100s: exit code %d is none of an error before the start", c.args, got.code)
		}
		if got.out != "" {
			t.Errorf("%.100s: stdout is not empty: %q", c.args, got.out)
		}
		lines := strings.SplitAfter(got.err, "\n")
		last := lines[max(len(lines)-2, 0)]
		if !strings.HasPrefix(last, "barreleye: ") || !strings.HasSuffix(last, "\n") || strings.Count(last, ": ") < 2 {
			t.Errorf("%.100s: %q is not one line with a next step", c.args, last)
		}
		shown := c.args
		if len(shown) > 100 {
			shown = shown[:20] + "..."
		}
		if c.device != "" {
			shown += "   # KVM device: " + c.device
		}
		fmt.Fprintf(&all, "$ barreleye %s\n%sexit code %d\n\n", shown, steady(last), got.code)
	}
	t.Chdir(packageDir)
	golden(t, "testdata/errors.txt", all.String())
}

// steady replaces what differs between machines and builds.
func steady(s string) string {
	s = strings.ReplaceAll(s, builtinNames(), "NAMES")
	s = dataSize.ReplaceAllString(s, "data of N KiB")
	return cpuList.ReplaceAllString(s, "[CPUS]")
}

var packageDir, _ = os.Getwd()

// result is what a command left.
type result struct {
	code     int
	out, err string
}

// inProcess runs the command in this process. device is the KVM device, ""
// for one that is not there.
func inProcess(device string, args ...string) result {
	var out, errs bytes.Buffer
	h := Host{Started: time.Now(), Executable: "/nowhere/bin/barreleye", Device: device, Stdout: &out, Stderr: &errs, Getenv: func(name string) string {
		return map[string]string{"HOME": os.TempDir()}[name]
	}}
	if h.Device == "" {
		h.Device = "no-such-device"
	}
	if slices.Contains(args, "run") && !slices.Contains(args, "--dir") {
		dir, err := os.MkdirTemp("", "barreleye-test-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		args = append([]string{args[0], "--dir", dir}, args[1:]...)
	}
	code := Main(h, args)
	return result{code, out.String(), errs.String()}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(b), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(want) || line != want[i] {
			t.Fatalf("%s:%d: got\n%s\nrun the test with -update if that is right", path, i+1, line)
		}
	}
	if n := strings.Count(got, "\n"); n != len(want)-1 {
		t.Fatalf("%s has %d lines, got %d", path, len(want)-1, n)
	}
}
