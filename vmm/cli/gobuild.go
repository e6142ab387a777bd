package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// goBuild builds the Go program in dir as a guest image and returns the ELF
// file. What the go tool has to say goes to stderr.
func (h *Host) goBuild(dir string) ([]byte, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, errors.New("a folder is built with the go tool, which is not on PATH: install Go from https://go.dev/dl/ or give a built image")
	}
	temp, err := os.MkdirTemp("", "barreleye-build-")
	if err != nil {
		return nil, fmt.Errorf("%w: set TMPDIR to a folder that can be written", err)
	}
	defer os.RemoveAll(temp)
	out := filepath.Join(temp, "image")
	// Without the version control stamp: git refuses folders of other users.
	cmd := exec.Command(tool, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	cmd.Stdout, cmd.Stderr = h.Stderr, h.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build: %w: the go tool's own lines say what to correct", err)
	}
	elf, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("go build made no file: %w: the folder needs a program, package main", err)
	}
	if bytes.HasPrefix(elf, []byte("!<arch>\n")) {
		return nil, errors.New("the folder holds a library: give one with a program, package main")
	}
	return elf, nil
}
