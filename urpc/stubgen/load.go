package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// goPackage is the package whose interface is read. It need not compile as a
// whole: what uses the stubs does not until they are there.
type goPackage struct {
	fset  *token.FileSet
	files []*ast.File
	types *types.Package
	info  *types.Info
}

// listed is what the go tool says of a package.
type listed struct {
	ImportPath, Name, Export string
	GoFiles                  []string
}

// load reads the package in dir, without the file that is to be written.
func load(dir, output string) (*goPackage, error) {
	self, err := goList(dir, "-e", ".")
	if err != nil {
		return nil, err
	}
	p := &goPackage{fset: token.NewFileSet(), info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}}}
	imports := map[string]bool{"context": true}
	for _, name := range self[0].GoFiles {
		if name == output {
			continue
		}
		f, err := parser.ParseFile(p.fset, filepath.Join(dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, f)
		for _, i := range f.Imports {
			if path, err := strconv.Unquote(i.Path.Value); err == nil && path != "unsafe" && path != "C" {
				imports[path] = true
			}
		}
	}
	if len(p.files) == 0 {
		return nil, fmt.Errorf("%s: no Go files: run it in the folder of a package, or give -dir", dir)
	}
	find, err := importsOf(dir, imports)
	if err != nil {
		return nil, err
	}
	conf := types.Config{
		Importer: importer.ForCompiler(p.fset, "gc", find),
		Error:    func(error) {}, // what matters is seen where an invalid type is used
	}
	p.types, _ = conf.Check(self[0].ImportPath, p.fset, p.files, p.info)
	return p, nil
}

// importsOf has the go tool compile what is imported, and finds the export data.
func importsOf(dir string, imports map[string]bool) (importer.Lookup, error) {
	args := []string{"-e", "-export", "-deps"}
	for path := range imports {
		args = append(args, path)
	}
	found, err := goList(dir, args...)
	if err != nil {
		return nil, err
	}
	exports := map[string]string{}
	for _, l := range found {
		exports[l.ImportPath] = l.Export
	}
	return func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("package %s cannot be imported", path)
		}
		return os.Open(exports[path])
	}, nil
}

func goList(dir string, args ...string) (found []listed, err error) {
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Name,Export,GoFiles"}, args...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: go list: %w: %s", dir, err, bytes.TrimSpace(stderr.Bytes()))
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%s: go list: %w", dir, err)
		}
		found = append(found, l)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: go list found no package", dir)
	}
	return found, nil
}
