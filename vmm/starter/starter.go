// Package starter makes new guest modules: a Go program for several cores, its
// tests, and a go.mod that knows where Barreleye's sources are. The program
// stands in the folder program, where it is built and tested like all others.
package starter

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"barreleye/vmm/sources"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

//go:embed all:program
var program embed.FS

// placeholder stands for the program's name in README.md.
const placeholder = "PROGRAM"

// ErrNotEmpty says that a folder for a new module has something in it.
var ErrNotEmpty = errors.New("the folder is not empty")

// ModulePath is the path of a module that is made in dir, where none is given.
func ModulePath(dir string) (string, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	path := "example.com/" + filepath.Base(full)
	if err := module.CheckImportPath(path); err != nil {
		return "", fmt.Errorf("%s: no Go module can be named after the folder: name it with --module example.com/NAME", dir)
	}
	return path, nil
}

// Write makes dir a module of the given path, to be built with the sources in
// tree, and returns the names of its files. dir may exist if it is empty but
// for a repository's .git.
func Write(dir, path string, tree sources.Tree) (files []string, err error) {
	if err := module.CheckImportPath(path); err != nil {
		return nil, fmt.Errorf("module path: %w: give one such as example.com/name", err)
	}
	if path == sources.Module || strings.HasPrefix(path, sources.Module+"/") {
		return nil, fmt.Errorf("module path %s: the name is Barreleye's own: give one such as example.com/name", path)
	}
	if err := makeEmpty(dir); err != nil {
		return nil, err
	}
	mod, err := goMod(path, tree)
	if err != nil {
		return nil, err
	}
	put := func(name string, text []byte) error {
		files = append(files, name)
		return os.WriteFile(filepath.Join(dir, name), text, 0o644)
	}
	if err := put("go.mod", mod); err != nil {
		return nil, err
	}
	entries, err := program.ReadDir("program")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := program.ReadFile("program/" + e.Name())
		if err != nil {
			return nil, err
		}
		if e.Name() == "README.md" {
			name := path[strings.LastIndexByte(path, '/')+1:]
			text = []byte(strings.ReplaceAll(string(text), placeholder, name))
		}
		if err := put(e.Name(), text); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// makeEmpty makes dir unless it is there and empty.
func makeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != ".git" {
			return fmt.Errorf("%w (it has %s): give a new or empty one", ErrNotEmpty, e.Name())
		}
	}
	return nil
}

// goMod is the new module's go.mod.
func goMod(path string, tree sources.Tree) ([]byte, error) {
	const version = "v0.0.0" // any will do: it is replaced
	f := new(modfile.File)
	for _, err := range []error{
		f.AddModuleStmt(path),
		f.AddGoStmt(tree.Go),
		f.AddRequire(sources.Module, version),
		f.AddReplace(sources.Module, "", tree.Dir, ""),
	} {
		if err != nil {
			return nil, err
		}
	}
	return f.Format()
}
