// Package sources finds the Go sources of Barreleye that guest programs are
// built with, on the machine the command runs on.
package sources

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/mod/modfile"
)

// Module is the path of Barreleye's Go module.
const Module = "barreleye"

// Tree is a folder with the module's sources: all of them, or as many as
// guests import.
type Tree struct {
	Dir string // absolute
	Go  string // the Go version that its go.mod wants, "1.26.0"
}

// Find returns the tree that named says, if it says something; otherwise the
// one installed with the command's binary (PREFIX/share/barreleye/src beside
// PREFIX/bin), or the one it was built in, some folder above it.
func Find(named, executable string) (Tree, error) {
	if named != "" {
		t, err := open(named)
		if err != nil {
			return Tree{}, fmt.Errorf("sources: %s: %w: name the folder of Barreleye's go.mod", named, err)
		}
		return t, nil
	}
	for _, dir := range candidates(executable) {
		if t, err := open(dir); err == nil {
			return t, nil
		}
	}
	return Tree{}, fmt.Errorf("sources: %s: Barreleye's Go sources are neither installed with this binary nor in a folder above it: give their folder with --source or BARRELEYE_SOURCE", executable)
}

// candidates lists where the sources of a binary may be, also that of the file
// a symbolic link leads to.
func candidates(executable string) (dirs []string) {
	files := []string{executable}
	if file, err := filepath.EvalSymlinks(executable); err == nil && file != executable {
		files = append(files, file)
	}
	for _, file := range files {
		bin := filepath.Dir(file)
		dirs = append(dirs, filepath.Join(bin, "..", "share", "barreleye", "src"))
		for dir := bin; ; dir = filepath.Dir(dir) {
			dirs = append(dirs, dir)
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return dirs
}

var errOther = errors.New("not a folder with Barreleye's sources")

// open checks that dir holds the module, with the package that guests import.
func open(dir string) (Tree, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Tree{}, err
	}
	path := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return Tree{}, errOther
	}
	if err != nil {
		return Tree{}, err
	}
	mod, err := modfile.ParseLax(path, text, nil)
	if err != nil {
		return Tree{}, fmt.Errorf("%w: %w", errOther, err)
	}
	if mod.Module == nil || mod.Module.Mod.Path != Module || mod.Go == nil {
		return Tree{}, errOther
	}
	if _, err := os.Stat(filepath.Join(dir, "guest", "guest.go")); err != nil {
		return Tree{}, errOther
	}
	return Tree{Dir: dir, Go: mod.Go.Version}, nil
}
