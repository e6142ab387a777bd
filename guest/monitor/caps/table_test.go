package caps

import (
	"errors"
	"strings"
	"testing"
)

// table is what may be retyped to what, written down a second time: rows are what is
// retyped, columns in the order of the types; 1 is allowed.
const table = `
            Null RAM Frame DevFrame PML4 PDPT PageDir PageTable CNode Dispatcher Endpoint IRQ
Null        0    0   0     0        0    0    0       0         0     0          0        0
RAM         0    1   1     0        1    1    1       1         1     1          0        0
Frame       0    0   1     0        0    0    0       0         0     0          0        0
DevFrame    0    0   0     1        0    0    0       0         0     0          0        0
PML4        0    0   0     0        0    0    0       0         0     0          0        0
PDPT        0    0   0     0        0    0    0       0         0     0          0        0
PageDir     0    0   0     0        0    0    0       0         0     0          0        0
PageTable   0    0   0     0        0    0    0       0         0     0          0        0
CNode       0    0   0     0        0    0    0       0         0     0          0        0
Dispatcher  0    0   0     0        0    0    0       0         0     0          1        0
Endpoint    0    0   0     0        0    0    0       0         0     0          0        0
IRQ         0    0   0     0        0    0    0       0         0     0          0        1
`

// sizeOf is a size that objects of the type may have.
func sizeOf(t Type) uint64 {
	if t == Endpoint || t == IRQ {
		return 1
	}
	return PageSize
}

// one makes a space with one object of a type.
func one(t *testing.T, typ Type, size uint64) (*Space, Ref) {
	t.Helper()
	e := Extent{RAM, 1 << 20, 1 << 20}
	if typ == IRQ || typ == DevFrame || typ == RAM {
		e = Extent{typ, 1 << 20, size}
	}
	s, refs, err := New(e)
	if err != nil {
		t.Fatal(err)
	}
	r := refs[0]
	if typ == Endpoint {
		if refs, err = s.Retype(r, Dispatcher, 0, PageSize, 1); err != nil {
			t.Fatal(err)
		}
		r = refs[0]
	}
	if e.Type != typ {
		if refs, err = s.Retype(r, typ, 0, size, 1); err != nil {
			t.Fatal(err)
		}
		r = refs[0]
	}
	return s, r
}

// TestTable tries every type from every type.
func TestTable(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(table), "\n")
	for i, line := range lines[1:] {
		from := Type(i)
		fields := strings.Fields(line)
		if fields[0] != from.String() {
			t.Fatalf("row %d is of %s, not %v", i, fields[0], from)
		}
		if from == Null {
			continue
		}
		for j, allow := range fields[1:] {
			to := Type(j)
			if name := strings.Fields(lines[0])[j]; name != to.String() {
				t.Fatalf("column %d is of %s, not %v", j, name, to)
			}
			s, r := one(t, from, sizeOf(from))
			refs, err := s.Retype(r, to, 0, sizeOf(to), 1)
			if allow == "1" != (err == nil) || err != nil && !errors.Is(err, ErrType) {
				t.Errorf("%v to %v: %v", from, to, err)
			}
			if err == nil {
				if c, err := s.Get(refs[0]); err != nil || c.Type != to || c.Rights != All {
					t.Errorf("%v to %v: %v, %v", from, to, c, err)
				}
			}
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		}
	}
	s, r := one(t, RAM, PageSize)
	if _, err := s.Retype(r, typeCount, 0, PageSize, 1); !errors.Is(err, ErrType) || Type(99).String() != "Type(99)" {
		t.Error(err)
	}
	if _, err := s.Insert(Extent{typeCount, 0, PageSize}); !errors.Is(err, ErrType) {
		t.Error(err)
	}
}

// TestExtents tries sizes and places at the edges of what each type may have.
func TestExtents(t *testing.T) {
	const page = PageSize
	for _, c := range []struct {
		from         Type
		size         uint64
		to           Type
		offset, each uint64
		count        int
		want         error
	}{
		{RAM, 4 * page, RAM, 0, 4 * page, 1, nil},
		{RAM, 4 * page, RAM, 0, page, 4, nil},
		{RAM, 4 * page, RAM, 3 * page, page, 1, nil},
		{RAM, 4 * page, RAM, 0, page, 5, ErrExtent},
		{RAM, 4 * page, RAM, 0, page, 1 << 62, ErrExtent},
		{RAM, 4 * page, RAM, 4 * page, page, 1, ErrExtent},
		{RAM, 4 * page, RAM, 1 << 63, page, 1, ErrExtent},
		{RAM, 4 * page, RAM, page, 4 * page, 1, ErrExtent},
		{RAM, 4 * page, RAM, 0, 5 * page, 1, ErrExtent},
		{RAM, 4 * page, RAM, 0, 1 << 63, 2, ErrExtent},
		{RAM, 4 * page, RAM, 0, 0, 1, ErrExtent},
		{RAM, 4 * page, RAM, 0, page, 0, ErrExtent},
		{RAM, 4 * page, RAM, 0, page, -1, ErrExtent},
		{RAM, 4 * page, Frame, 8, page, 1, ErrExtent},
		{RAM, 4 * page, Frame, 0, page + 8, 1, ErrExtent},
		{RAM, 4 * page, PageTable, 0, 2 * page, 1, ErrExtent},
		{RAM, 4 * page, PML4, 0, page, 4, nil},
		{RAM, 4 * page, CNode, 0, 4 * page, 1, nil},
		{RAM, 4 * page, Dispatcher, 0, 2 * page, 1, ErrExtent},
		{RAM, 4 * page, Frame, ^uint64(0) - 1<<20 - page + 1, page, 1, ErrExtent},
		{Dispatcher, page, Endpoint, 0, 1, MaxEndpoints, nil},
		{Dispatcher, page, Endpoint, 1, 1, MaxEndpoints, ErrExtent},
		{Dispatcher, page, Endpoint, 0, 2, 1, ErrExtent},
		{IRQ, 16, IRQ, 15, 1, 1, nil},
		{IRQ, 16, IRQ, 15, 2, 1, ErrExtent},
		{IRQ, 16, IRQ, 0, 8, 2, nil},
	} {
		s, r := one(t, c.from, c.size)
		before := s.Len()
		refs, err := s.Retype(r, c.to, c.offset, c.each, c.count)
		if !errors.Is(err, c.want) || len(refs) != s.Len()-before {
			t.Errorf("%+v: %d refs, %v", c, len(refs), err)
		}
		if err := s.Check(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, e := range []Extent{{RAM, 8, page}, {RAM, 0, 8}, {RAM, 0, 0}, {RAM, ^uint64(0) &^ (page - 1), 2 * page}} {
		if _, _, err := New(e); !errors.Is(err, ErrExtent) {
			t.Errorf("%v: %v", e, err)
		}
	}
	if _, _, err := New(Extent{Endpoint, 0, 1}); !errors.Is(err, ErrType) {
		t.Error(err)
	}
}
