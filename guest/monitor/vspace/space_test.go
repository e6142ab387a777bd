package vspace

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestRefusals: what is no whole page of one mapping is refused, and changes nothing.
func TestRefusals(t *testing.T) {
	d := newDriver(20)
	s := New(lowest, highest, d)
	m, p, err := s.Map(layout.RegionGPA, 4*layout.PageSize, boot.Read, false)
	if err != nil {
		t.Fatal(err)
	}
	p.Done()
	for name, err := range map[string]error{
		"nothing":        third(s.Map(layout.RegionGPA, 0, boot.Read, false)),
		"half a page":    third(s.Map(layout.RegionGPA, 2048, boot.Read, false)),
		"crooked frame":  third(s.Map(layout.RegionGPA+1, layout.PageSize, boot.Read, false)),
		"no page":        second(s.Protect(m, 0, 0, boot.Read)),
		"crooked offset": second(s.Protect(m, 1, layout.PageSize, boot.Read)),
		"behind the end": second(s.Protect(m, layout.PageSize, 4*layout.PageSize, boot.Read)),
		"far behind it":  second(s.Protect(m, 1<<63, layout.PageSize, boot.Read)),
		"another's":      second(s.Protect(&Mapping{Start: m.Start, Size: m.Size}, 0, layout.PageSize, boot.Read)),
		"not there":      second(s.Unmap(&Mapping{Start: lowest, Size: layout.PageSize})),
		"a copy":         second(s.Unmap(&Mapping{Start: m.Start, Size: m.Size})),
	} {
		if !errors.Is(err, ErrRange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := s.Map(layout.RegionGPA, highest-lowest-layout.PageSize, boot.Read, false); !errors.Is(err, ErrRoom) {
		t.Error(err)
	}
	if len(s.Mappings()) != 1 || d.out != 3 {
		t.Errorf("%d mappings, %d tables", len(s.Mappings()), d.out)
	}
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

// TestAddressesComeLast: an address that was given back is given out again only when all
// others were.
func TestAddressesComeLast(t *testing.T) {
	s := New(lowest, lowest+1<<39, newDriver(100))
	const size = 1 << 38 >> 3
	seen := map[uint64]bool{}
	for i := range 20 {
		// large, so that few fit; nothing fills the tables of what is never done
		start, at, ok := s.place(0, size, true)
		if !ok {
			t.Fatal("no room")
		}
		m := &Mapping{Start: start, Size: size}
		s.maps, s.next = append(s.maps[:at:at], append([]*Mapping{m}, s.maps[at:]...)...), m.End()
		if again := seen[start]; again != (i >= 15) {
			t.Errorf("%d: %#x again: %v", i, start, again)
		}
		seen[start] = true
		s.maps = nil
	}
}

// TestBook: a domain has the space that was added for it.
func TestBook(t *testing.T) {
	var b Book
	s := New(lowest, highest, newDriver(0))
	if b.Space(Program) != nil {
		t.Error("a space of nothing")
	}
	if b.Add(Program, s); b.Space(Program) != s || b.Space(1) != nil {
		t.Error("not the space that was added")
	}
}

// TestTranscript: the steps of a few requests, as they are written down.
func TestTranscript(t *testing.T) {
	d := newDriver(20)
	s := New(lowest, highest, d)
	var out strings.Builder
	do := func(what string, p *Plan, err error) {
		t.Helper()
		if err == nil {
			err = d.apply(p.Steps)
		}
		if err != nil {
			t.Fatal(what, err)
		}
		p.Done()
		fmt.Fprintln(&out, what)
		for _, step := range p.Steps {
			fmt.Fprintln(&out, "   ", step)
		}
	}
	page, p, err := s.Map(layout.RegionGPA, layout.PageSize, boot.Read, false)
	do("map a page", p, err)
	m, p, err := s.Map(layout.RegionGPA+0x1ff000, layout.HugeSize+2*layout.PageSize, boot.Read|boot.Write, false)
	do("map a large page and one on each side", p, err)
	p, err = s.Protect(m, layout.PageSize, layout.HugeSize, boot.Read)
	do("protect the large page", p, err)
	p, err = s.Protect(m, 0, 2*layout.PageSize, 0)
	do("take away two pages, one of them of the large one", p, err)
	p, err = s.Unmap(m)
	do("unmap the three", p, err)
	p, err = s.Unmap(page)
	do("unmap the page", p, err)
	want, err := os.ReadFile("testdata/steps.txt")
	if err != nil && !*update {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/steps.txt", []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	} else if out.String() != string(want) {
		t.Errorf("the steps are\n%s", out.String())
	}
}
