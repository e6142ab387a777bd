package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"barreleye/vmm/temporary"
)

// target is what the go tool is to build: a package as it is named in a folder.
type target struct {
	dir     string // "" for the current one
	pkg     string
	program string // what the go tool would call the program
}

// findTarget turns an argument into a target. A folder is built in its own
// module, whichever the current folder belongs to; all else is for the go tool
// to understand.
func findTarget(arg string) target {
	if isFolder(arg) {
		return target{arg, ".", programName(arg)}
	}
	return target{"", arg, path.Base(arg)}
}

func isFolder(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.IsDir()
}

// programName is what the go tool would call the program in a folder.
func programName(dir string) string {
	if full, err := filepath.Abs(dir); err == nil {
		dir = full
	}
	return filepath.Base(dir)
}

// goTool makes a command of the go tool, run in dir, that builds for guests.
// What it has to say goes to stderr.
func (h *Host) goTool(dir string, args ...string) (*exec.Cmd, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, errors.New("a program is built with the go tool, which is not on PATH: install Go from https://go.dev/dl/ or give a built image")
	}
	cmd := exec.Command(tool, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	cmd.Stderr = h.Stderr
	return cmd, nil
}

// goBuild builds a program as a guest image and returns the ELF file.
func (h *Host) goBuild(t target) ([]byte, error) {
	elf, err := h.goImage(t, "build")
	if err != nil && h.lacksProgram(t) {
		return nil, fmt.Errorf("%w; 'barreleye init DIR' makes a module with a program", err)
	}
	return elf, err
}

// lacksProgram reports whether t is a folder without Go files, or in no module.
func (h *Host) lacksProgram(t target) bool {
	if t.pkg != "." {
		return false
	}
	entries, err := os.ReadDir(t.dir)
	if err == nil && !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return filepath.Ext(e.Name()) == ".go" }) {
		return true
	}
	cmd, err := h.goTool(t.dir, "env", "GOMOD")
	if err != nil {
		return false
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, nil
	err = h.interrupt.run(cmd)
	return err == nil && strings.TrimSpace(out.String()) == os.DevNull
}

// goImage has the go tool make an image of t by a command, which is "build",
// or "test" with flags.
func (h *Host) goImage(t target, command string, flags ...string) ([]byte, error) {
	temp, remove, err := temporary.Dir("barreleye-build-")
	if err != nil {
		return nil, fmt.Errorf("%w: set TMPDIR to a folder that can be written", err)
	}
	defer remove()
	out := filepath.Join(temp, "image")
	// Without the version control stamp: git refuses folders of other users.
	args := append([]string{command, "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out}, flags...)
	cmd, err := h.goTool(t.dir, append(args, t.pkg)...)
	if err != nil {
		return nil, err
	}
	if os.Getenv("GOTMPDIR") == "" { // its own folder goes with ours, however it ends
		cmd.Env = append(cmd.Env, "GOTMPDIR="+temp)
	}
	step := h.progress("building %s", t.program)
	cmd.Stdout, cmd.Stderr = step, step
	err = h.interrupt.run(cmd)
	step.end()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w: the go tool's own lines say what to correct", command, err)
	}
	elf, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("go %s made no file: %w: the folder needs a program, package main", command, err)
	}
	if bytes.HasPrefix(elf, []byte("!<arch>\n")) {
		return nil, errors.New("the folder holds a library: give one with a program, package main")
	}
	return elf, nil
}
