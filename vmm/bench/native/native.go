// Package native holds peers of URPC in C++ that Debian packages, as small programs
// that are compiled when they are measured: Barreleye itself needs no compiler.
package native

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed cc
var source embed.FS

// Peer is a program of two threads that pass messages of 64 bytes. Its arguments
// are two CPUs, a number of samples, and how many calls and messages a sample has;
// it prints a JSON array of peers.Measurement.
type Peer struct {
	Name    string // the value of the parameter "peer"
	Package string // of Debian, beside g++
	before  []string
	after   []string
}

// Peers are all of them.
var Peers = []Peer{
	{Name: "boost_spsc", Package: "libboost-dev"},
	{
		Name: "dpdk_ring", Package: "libdpdk-dev",
		before: []string{"-I/usr/include/dpdk", "-I/usr/include/x86_64-linux-gnu/dpdk", "-include", "rte_config.h"},
		after:  []string{"-lrte_ring", "-lrte_eal"},
	},
}

// ErrMissing is when the compiler or a package is not there; the error names it.
var ErrMissing = errors.New("not installed")

// Compile compiles a peer in a folder and returns the program's path.
func (p Peer) Compile(ctx context.Context, dir string) (string, error) {
	compiler, err := exec.LookPath("g++")
	if err != nil {
		return "", fmt.Errorf("g++: %w: apt-get install g++ %s", ErrMissing, p.Package)
	}
	if err := os.CopyFS(filepath.Join(dir, p.Name), source); err != nil {
		return "", fmt.Errorf("bench: %w: set TMPDIR to a folder with room", err)
	}
	program := filepath.Join(dir, p.Name, "program")
	args := append([]string{"-std=c++17", "-O3", "-march=native", "-pthread", "-Wall", "-Wextra", "-o", program}, p.before...)
	cmd := exec.CommandContext(ctx, compiler, append(append(args, p.Name+".cc"), p.after...)...)
	cmd.Dir = filepath.Join(dir, p.Name, "cc")
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return program, nil
	}
	if absent(out) {
		return "", fmt.Errorf("%s: %w: apt-get install %s", p.Package, ErrMissing, p.Package)
	}
	return "", fmt.Errorf("bench: %s does not compile here: %w: %.300s", p.Name, err, strings.Join(strings.Fields(string(out)), " "))
}

// absent reports whether a compiler's or linker's words are that something is not
// there.
func absent(out []byte) bool {
	return bytes.Contains(out, []byte("No such file or directory")) || bytes.Contains(out, []byte("cannot find -l"))
}
