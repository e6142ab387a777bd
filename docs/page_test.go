package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// tree is the root of the sources.
const tree = ".."

// page is one Markdown file.
type page struct {
	name string // relative to the tree
	text []byte
	root ast.Node
}

// readPages reads README.md and all pages below docs.
func readPages(t *testing.T) []*page {
	t.Helper()
	pages := []*page{readPage(t, "README.md")}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			pages = append(pages, readPage(t, filepath.Join("docs", path)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func readPage(t *testing.T, name string) *page {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(tree, name))
	if err != nil {
		t.Fatal(err)
	}
	return parse(name, b)
}

func parse(name string, b []byte) *page {
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM))
	return &page{name, b, markdown.Parser().Parse(text.NewReader(b))}
}

// each calls f for every node of type T.
func each[T ast.Node](p *page, f func(T)) {
	// f cannot fail, so neither can the walk
	_ = ast.Walk(p.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if v, ok := n.(T); ok && entering {
			f(v)
		}
		return ast.WalkContinue, nil
	})
}

// lines returns the text of a block.
func (p *page) lines(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		s := n.Lines().At(i)
		b.Write(s.Value(p.text))
	}
	return b.String()
}

// inner returns the text inside a span of code.
func (p *page) inner(n ast.Node) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(p.text))
		}
	}
	return b.String()
}

// line returns in which line a block starts.
func (p *page) line(n ast.Node) int {
	if n.Lines().Len() == 0 {
		return 0
	}
	return 1 + strings.Count(string(p.text[:n.Lines().At(0).Start]), "\n")
}

// block is a block of code, or a comment that prepares something.
type block struct {
	at   string // "PAGE:LINE"
	kind string // language; "" where a block has none
	file string // of file=NAME
	text string
}

var preparation = regexp.MustCompile(`(?s)^<!-- test: (.*) -->\s*$`)

// blocks returns a page's blocks in order.
func (p *page) blocks() (list []block) {
	// the walk's function returns no error
	_ = ast.Walk(p.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		b := block{}
		switch n := n.(type) {
		case *ast.FencedCodeBlock:
			if n.Info != nil {
				kind, rest, _ := strings.Cut(string(n.Info.Value(p.text)), " ")
				b.kind, b.file = kind, strings.TrimPrefix(rest, "file=")
			}
			b.text = p.lines(n)
		case *ast.CodeBlock:
			b.text = p.lines(n)
		case *ast.HTMLBlock:
			m := preparation.FindStringSubmatch(p.lines(n))
			if m == nil {
				return ast.WalkContinue, nil
			}
			b.kind, b.text = "sh", m[1]
		default:
			return ast.WalkContinue, nil
		}
		b.at = fmt.Sprintf("%s:%d", p.name, p.line(n))
		list = append(list, b)
		return ast.WalkContinue, nil
	})
	return list
}
