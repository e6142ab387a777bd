package docs

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark/ast"
)

// TestLinks follows every link and picture of a page inside the tree, to the
// anchor if it names one.
func TestLinks(t *testing.T) {
	for _, p := range readPages(t) {
		check := func(link []byte) {
			if why := p.follow(t, string(link)); why != "" {
				t.Errorf("%s: link %s: %s", p.name, link, why)
			}
		}
		each(p, func(l *ast.Link) { check(l.Destination) })
		each(p, func(i *ast.Image) { check(i.Destination) })
	}
}

// follow returns what is wrong with a link.
func (p *page) follow(t *testing.T, link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return err.Error()
	}
	if u.Scheme != "" {
		return "" // outside
	}
	to := p.name
	if u.Path != "" {
		to = filepath.Join(filepath.Dir(p.name), u.Path)
	}
	if _, err := os.Stat(filepath.Join(tree, to)); err != nil || strings.HasPrefix(to, "..") {
		return "there is no such file in the tree"
	}
	if u.Fragment != "" && !readPage(t, to).anchors()[u.Fragment] {
		return "there is no such heading"
	}
	return ""
}

// anchors returns the anchors of a page's headings.
func (p *page) anchors() map[string]bool {
	m := map[string]bool{}
	each(p, func(h *ast.Heading) { m[anchor(p.lines(h))] = true })
	return m
}

// anchor is what a heading can be linked by: its letters and digits in lower
// case, with dashes for spaces.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(heading))
}

// TestIndex wants every page in docs/README.md.
func TestIndex(t *testing.T) {
	index := readPage(t, "docs/README.md")
	listed := map[string]bool{index.name: true, "README.md": true}
	each(index, func(l *ast.Link) { listed[filepath.Join("docs", string(l.Destination))] = true })
	for _, p := range readPages(t) {
		if !listed[p.name] {
			t.Errorf("docs/README.md does not list %s", p.name)
		}
	}
}
