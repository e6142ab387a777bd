package vspace

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

const (
	lowest  = 250 << 39
	highest = 252 << 39
)

// plain is the slow model: a page of a mapping after the other.
type plain struct {
	m     *Mapping
	small bool
	prot  []uint8
	large []bool // as far as known: a page of 2 MiB lies there
}

// chooser makes the choices of a run.
type chooser interface{ IntN(n int) int }

// compareRun does random operations to a space, with a driver and a model beside it.
func compareRun(r chooser, steps int) error {
	d := newDriver(1 + r.IntN(12))
	s := New(lowest, highest, d)
	// close to where a PageDir, and a PDPT, ends
	s.next = lowest + uint64(1+r.IntN(2))<<30 - uint64(r.IntN(4))*layout.HugeSize - uint64(r.IntN(3))*layout.PageSize
	if r.IntN(4) == 0 {
		s.next += 511 << 30
	}
	var model []*plain
	for step := range steps {
		if err := d.do(r, s, &model); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		if err := d.compare(s, model); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
	}
	for _, x := range model {
		p, err := s.Unmap(x.m)
		if err == nil {
			err = d.apply(p.Steps)
		}
		if err != nil {
			return err
		}
		p.Done()
	}
	if s.Trim(); d.out != 0 || d.used() != 0 || !d.tables[0].empty() {
		return fmt.Errorf("%d tables and %d pages are left of nothing", d.out, d.used())
	}
	return nil
}

func (d *driver) do(r chooser, s *Space, model *[]*plain) error {
	settle := func(p *Plan) error {
		if r.IntN(5) == 0 {
			p.Undo() // as where the driver's map table is full
			return errNone
		}
		if err := d.apply(p.Steps); err != nil {
			return err
		}
		p.Done()
		return nil
	}
	prots := []uint8{0, boot.Read, boot.Read | boot.Write}
	switch op := r.IntN(6); {
	case op < 3 || len(*model) == 0:
		frame := uint64(layout.RegionGPA) + uint64(r.IntN(1100))*layout.PageSize
		size := uint64(1+r.IntN(20)) * layout.PageSize
		switch r.IntN(3) {
		case 0:
			size += uint64(r.IntN(4)) * layout.HugeSize
		case 1:
			frame, size = frame&^(layout.HugeSize-1), uint64(1+r.IntN(3))*layout.HugeSize
		}
		small, prot := r.IntN(3) == 0, prots[r.IntN(3)]
		m, p, err := s.Map(frame, size, prot, small)
		if errors.Is(err, errNone) {
			return nil
		}
		if err != nil {
			return err
		}
		if m.Frame != frame || m.Size != size {
			return fmt.Errorf("mapped %+v for %#x+%#x", m, frame, size)
		}
		if err := settle(p); err != nil {
			if errors.Is(err, errNone) {
				return nil
			}
			return err
		}
		x := &plain{m: m, small: small}
		for i := uint64(0); i < size; i += layout.PageSize {
			x.prot = append(x.prot, prot)
			base := (frame + i) &^ (layout.HugeSize - 1)
			x.large = append(x.large, !small && base >= frame && base+layout.HugeSize <= frame+size)
		}
		*model = append(*model, x)
	case op < 5:
		x := (*model)[r.IntN(len(*model))]
		first := r.IntN(len(x.prot))
		count := 1 + r.IntN(len(x.prot)-first)
		if r.IntN(3) == 0 {
			first, count = 0, len(x.prot)
		}
		prot := prots[r.IntN(3)]
		p, err := s.Protect(x.m, uint64(first)*layout.PageSize, uint64(count)*layout.PageSize, prot)
		if err == nil {
			err = settle(p)
		}
		if errors.Is(err, errNone) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := first; i < first+count; i++ {
			x.prot[i] = prot
			x.splitAt(i, first, first+count)
		}
	default:
		i := r.IntN(len(*model))
		p, err := s.Unmap((*model)[i].m)
		if err == nil {
			err = d.apply(p.Steps)
		}
		if err != nil {
			return err
		}
		p.Done()
		*model = append((*model)[:i], (*model)[i+1:]...)
	}
	return nil
}

// splitAt notes that pages [first, end) were protected, of which i is one: the large page
// that it is of is there as before only if all of it is among them.
func (x *plain) splitAt(i, first, end int) {
	if !x.large[i] {
		return
	}
	start := i - int((x.m.Frame/layout.PageSize+uint64(i))%Slots)
	if start >= first && start+Slots <= end {
		return
	}
	for k := start; k < start+Slots; k++ {
		x.large[k] = false
	}
}

// compare looks at every page that the model knows, and that there are no others.
func (d *driver) compare(s *Space, model []*plain) error {
	pages := 0
	if len(s.Mappings()) != len(model) {
		return fmt.Errorf("%d mappings, the model has %d", len(s.Mappings()), len(model))
	}
	for _, x := range model {
		m := x.m
		if s.Find(m.Start) != m || s.Find(m.End()-1) != m || s.Find(m.Start-1) != nil || s.Find(m.End()) != nil {
			return fmt.Errorf("%+v is not found, or has no guards", m)
		}
		for i := range x.prot {
			addr := m.Start + uint64(i)*layout.PageSize
			e, ok := d.at(addr)
			if !ok || e.frame != m.Frame+uint64(i)*layout.PageSize || e.prot != x.prot[i] || e.large != x.large[i] {
				return fmt.Errorf("page %d of %+v is %+v, %v; want prot %d large %v", i, m, e, ok, x.prot[i], x.large[i])
			}
		}
		pages += len(x.prot)
	}
	if n := d.used(); n != pages {
		return fmt.Errorf("%d pages are mapped, the model has %d", n, pages)
	}
	for id, t := range d.tables {
		if id != 0 && t.linked == t.empty() {
			return fmt.Errorf("VNode %d is linked: %v, empty: %v", id, t.linked, t.empty())
		}
	}
	return nil
}

// TestModel does random operations beside the model.
func TestModel(t *testing.T) {
	runs := uint64(150)
	if testing.Short() {
		runs = 30
	}
	for seed := range runs {
		if err := compareRun(rand.New(rand.NewPCG(seed, 1)), 60); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// bytesChooser takes its choices from a fuzzer's input.
type bytesChooser []byte

func (b *bytesChooser) IntN(n int) int {
	v := 0
	for k := n; k > 0 && len(*b) > 0; k >>= 8 {
		v = v<<8 | int((*b)[0])
		*b = (*b)[1:]
	}
	return v % n
}

// FuzzSpace does the same operations as a fuzzer chooses them.
func FuzzSpace(f *testing.F) {
	f.Add([]byte("any bytes are choices, and where they end there are zeroes"))
	r := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		b := make([]byte, 300)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := bytesChooser(b)
		if err := compareRun(&c, min(len(b)/4, 60)); err != nil {
			t.Fatal(err)
		}
	})
}
