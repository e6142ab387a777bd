package docs

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	markdown "github.com/yuin/goldmark/ast"
	tables "github.com/yuin/goldmark/extension/ast"
)

// TestGuestAPI compares the tables of docs/reference/guest.md with the exported
// names of the packages that programs import: none is missing, none is made up,
// and functions have the signature that is shown.
func TestGuestAPI(t *testing.T) {
	p := readPage(t, "docs/reference/guest.md")
	shown := map[string]map[string]bool{} // by package, whose name is the section's heading
	section := ""
	each(p, func(n markdown.Node) {
		switch n := n.(type) {
		case *markdown.Heading:
			if n.Level == 2 {
				section = strings.TrimPrefix(p.lines(n), "Package ")
				shown[section] = map[string]bool{}
			}
		case *tables.TableRow:
			for c := n.FirstChild().FirstChild(); c != nil; c = c.NextSibling() {
				if c.Kind() == markdown.KindCodeSpan {
					shown[section][p.inner(c)] = true
				}
			}
		}
	})
	for _, pkg := range []string{"guest", "guest/guesttest", "urpc"} {
		have := exported(t, pkg)
		for name := range have {
			if !shown[pkg][name] {
				t.Errorf("%s: section %q has no row for %s", p.name, "Package "+pkg, name)
			}
		}
		for name := range shown[pkg] {
			if !have[name] {
				t.Errorf("%s: %s is not in package %s", p.name, name, pkg)
			}
		}
	}
}

// exported returns the exported names of a package: functions and methods with
// their signatures, fields and methods of interfaces with their types' names.
func exported(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	fset := token.NewFileSet()
	packages, err := parser.ParseDir(fset, filepath.Join(tree, pkg), func(i fs.FileInfo) bool {
		return !strings.HasSuffix(i.Name(), "_test.go") && !strings.HasSuffix(i.Name(), "_race.go")
	}, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		for _, f := range p.Files {
			for _, d := range f.Decls {
				declared(fset, d, names)
			}
		}
	}
	return names
}

func declared(fset *token.FileSet, d ast.Decl, names map[string]bool) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		receiver := ""
		if d.Recv != nil {
			receiver = strings.TrimPrefix(source(fset, d.Recv.List[0].Type), "*")
			if !ast.IsExported(receiver) {
				return
			}
			receiver += "."
		}
		if d.Name.IsExported() {
			names[receiver+d.Name.Name+strings.TrimPrefix(source(fset, d.Type), "func")] = true
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() {
						names[n.Name] = true
					}
				}
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					names[s.Name.Name] = true
					members(fset, s, names)
				}
			}
		}
	}
}

// members adds the fields of a struct and the methods of an interface.
func members(fset *token.FileSet, s *ast.TypeSpec, names map[string]bool) {
	var list *ast.FieldList
	switch v := s.Type.(type) {
	case *ast.StructType:
		list = v.Fields
	case *ast.InterfaceType:
		list = v.Methods
	default:
		return
	}
	for _, f := range list.List {
		for _, n := range f.Names {
			if !n.IsExported() {
				continue
			}
			name := s.Name.Name + "." + n.Name
			if m, ok := f.Type.(*ast.FuncType); ok && isInterface(s) {
				name += strings.TrimPrefix(source(fset, m), "func")
			}
			names[name] = true
		}
	}
}

func isInterface(s *ast.TypeSpec) bool {
	_, ok := s.Type.(*ast.InterfaceType)
	return ok
}

// source is the text of a node.
func source(fset *token.FileSet, n ast.Node) string {
	var b bytes.Buffer
	// a buffer takes everything
	_ = printer.Fprint(&b, fset, n)
	return b.String()
}
