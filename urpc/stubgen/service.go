package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// service is an interface that stubs can be written for.
type service struct {
	pkg     *goPackage
	name    string
	first   int // number of its first method
	methods []method
}

// method is one of its methods, in the order of the source.
type method struct {
	name       string
	concurrent bool
	params     []variable // without the context
	results    []variable // without the error
}

// variable is a parameter or a result.
type variable struct {
	name string // "" if it has none
	typ  types.Type
}

// at is an error with a place.
func (p *goPackage) at(pos token.Pos, format string, args ...any) error {
	return fmt.Errorf("%s: %s", p.fset.Position(pos), fmt.Sprintf(format, args...))
}

// service finds an interface and checks it.
func (p *goPackage) service(name string) (*service, error) {
	for _, f := range p.files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, spec := range g.Specs {
				if t := spec.(*ast.TypeSpec); t.Name.Name == name {
					return p.interfaceOf(t, g)
				}
			}
		}
	}
	return nil, p.at(p.files[0].Package, "no type %s in this package: name an interface of it with -type", name)
}

// interfaceOf reads an interface and its comments.
func (p *goPackage) interfaceOf(t *ast.TypeSpec, g *ast.GenDecl) (*service, error) {
	s := &service{pkg: p, name: t.Name.Name, first: -1}
	list, ok := t.Type.(*ast.InterfaceType)
	if !ok {
		return nil, p.at(t.Type.Pos(), "%s is no interface: name one with -type", s.name)
	}
	if t.TypeParams != nil {
		return nil, p.at(t.TypeParams.Pos(), "%s has type parameters: declare an interface without", s.name)
	}
	doc := t.Doc
	if doc == nil && !g.Lparen.IsValid() {
		doc = g.Doc
	}
	err := p.directives(doc, "service", func(pos token.Pos, arg string) (err error) {
		s.first = 0
		if arg != "" {
			if s.first, err = strconv.Atoi(arg); err != nil || s.first < 0 {
				return p.at(pos, "//urpc:service %s: the number of the first method is needed, or nothing", arg)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if s.first < 0 {
		return nil, p.at(t.Name.Pos(), "%s has no comment //urpc:service: write it above the type", s.name)
	}
	for _, field := range list.Methods.List {
		sig, ok := field.Type.(*ast.FuncType)
		if !ok || len(field.Names) == 0 {
			return nil, p.at(field.Pos(), "%s embeds an interface or has a union: list the methods", s.name)
		}
		m := method{name: field.Names[0].Name}
		err := p.directives(field.Doc, "concurrent", func(token.Pos, string) error { m.concurrent = true; return nil })
		if err == nil {
			err = p.signature(&m, sig)
		}
		if err != nil {
			return nil, err
		}
		s.methods = append(s.methods, m)
	}
	const maxMethod = 1<<12 - 1
	if n := s.first + len(s.methods) - 1; n > maxMethod {
		return nil, p.at(t.Name.Pos(), "the last method of %s would have number %d, at most %d is possible", s.name, n, maxMethod)
	}
	if len(s.methods) == 0 {
		return nil, p.at(t.Type.Pos(), "%s has no methods: a service needs one", s.name)
	}
	return s, nil
}

// directives calls f for the comments //urpc:want; others that begin so are
// errors.
func (p *goPackage) directives(doc *ast.CommentGroup, want string, f func(pos token.Pos, arg string) error) error {
	if doc == nil {
		return nil
	}
	for _, c := range doc.List {
		text, ok := strings.CutPrefix(c.Text, "//urpc:")
		if !ok {
			continue
		}
		word, arg, _ := strings.Cut(text, " ")
		if word != want {
			return p.at(c.Pos(), "//urpc:%s: only //urpc:%s is possible here", word, want)
		}
		if err := f(c.Pos(), strings.TrimSpace(arg)); err != nil {
			return err
		}
	}
	return nil
}

// signature checks a method's parameters and results.
func (p *goPackage) signature(m *method, sig *ast.FuncType) error {
	params, err := p.variables(sig.Params)
	if err != nil {
		return err
	}
	results, err := p.variables(sig.Results)
	if err != nil {
		return err
	}
	if len(params) == 0 || !isNamed(params[0].typ, "context", "Context") {
		return p.at(sig.Params.Pos(), "the first parameter of %s must be a context.Context", m.name)
	}
	if n := len(results); n == 0 || !types.Identical(results[n-1].typ, types.Universe.Lookup("error").Type()) {
		return p.at(sig.Pos(), "the last result of %s must be an error", m.name)
	}
	for _, v := range append(params[1:len(params):len(params)], results[:len(results)-1]...) {
		if err := p.supported(v.typ, v.pos, nil); err != nil {
			return err
		}
	}
	for _, v := range params[1:] {
		m.params = append(m.params, v.variable)
	}
	for _, v := range results[:len(results)-1] {
		m.results = append(m.results, v.variable)
	}
	return nil
}

// placed is a variable and where its type stands.
type placed struct {
	variable
	pos token.Pos
}

func (p *goPackage) variables(list *ast.FieldList) (vs []placed, err error) {
	if list == nil {
		return nil, nil
	}
	for _, f := range list.List {
		if _, ok := f.Type.(*ast.Ellipsis); ok {
			return nil, p.at(f.Type.Pos(), "a variable number of parameters: use a slice")
		}
		v := placed{variable{"", p.info.Types[f.Type].Type}, f.Type.Pos()}
		if v.typ == nil {
			v.typ = types.Typ[types.Invalid]
		}
		if len(f.Names) == 0 {
			vs = append(vs, v)
		}
		for _, name := range f.Names {
			v.name = name.Name
			vs = append(vs, v)
		}
	}
	return vs, nil
}

func isNamed(t types.Type, pkg, name string) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == pkg && n.Obj().Name() == name
}

// supported fails for types that cannot cross. pos is where the type stands, as
// near as is known; outer are the types around it.
func (p *goPackage) supported(t types.Type, pos token.Pos, outer []types.Type) error {
	for _, o := range outer {
		if types.Identical(o, t) {
			return p.at(pos, "type %s contains itself: it cannot cross", p.spell(t))
		}
	}
	outer = append(outer[:len(outer):len(outer)], t)
	if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil && n.Obj().Pkg() != p.types && !n.Obj().Exported() {
		return p.at(pos, "type %s is not exported by its package", p.spell(t))
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Kind() == types.Invalid:
			return p.at(pos, "the type is not known, or the package does not import it: see what go vet says")
		case u.Kind() == types.Uintptr || u.Kind() == types.UnsafePointer || u.Info()&types.IsComplex != 0:
		default:
			return nil
		}
	case *types.Array:
		return p.supported(u.Elem(), pos, outer)
	case *types.Slice:
		if err := p.supported(u.Elem(), pos, outer); err != nil {
			return err
		}
		if leastSize(u.Elem()) == 0 {
			return p.at(pos, "a slice of %s, which has no bytes: send its length", p.spell(u.Elem()))
		}
		return nil
	case *types.Struct:
		for f := range u.Fields() {
			at := pos
			if f.Pkg() == p.types {
				at = f.Pos() // of others the file may not be here
			}
			if !f.Exported() {
				return p.at(at, "field %s of %s is not exported: it would not cross", f.Name(), p.spell(t))
			}
			if err := p.supported(f.Type(), at, outer); err != nil {
				return err
			}
		}
		return nil
	}
	return p.at(pos, "type %s cannot cross: use bool, numbers, string, and arrays, slices and structs of them", p.spell(t))
}

// spell is a type as the package itself would write it.
func (p *goPackage) spell(t types.Type) string {
	return types.TypeString(t, func(o *types.Package) string {
		if o == p.types {
			return ""
		}
		return o.Name()
	})
}

// leastSize is how many bytes the encoding of a value has at least.
func leastSize(t types.Type) int {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return basics[u.Kind()].size
	case *types.Slice:
		return 4
	case *types.Array:
		return int(u.Len()) * leastSize(u.Elem())
	case *types.Struct:
		n := 0
		for f := range u.Fields() {
			n += leastSize(f.Type())
		}
		return n
	}
	return 0
}
