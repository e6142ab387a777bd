package caps

import "fmt"

// Check looks at everything that must hold at any time, in time proportional to what
// there is, and returns what does not. For tests, and for who suspects a mistake.
func (s *Space) Check() error {
	seen, objects := 0, 0
	var walk func(o *object) error
	walk = func(o *object) error {
		if err := o.check(); err != nil {
			return err
		}
		objects++
		if s.objects[o.id] != o {
			return fmt.Errorf("caps: %v: object %d is another", o.Extent, o.id)
		}
		if len(o.copies) == 0 && len(o.children) == 0 {
			return fmt.Errorf("caps: %v: nobody can name it", o.Extent)
		}
		for _, c := range o.copies {
			seen++
			if s.caps[c.ref] != c || c.object != o {
				return fmt.Errorf("caps: %v: copy %d is another's", o.Extent, c.ref)
			}
		}
		for _, c := range o.holds {
			if c.in != o || s.caps[c.ref] != c || o.Type != CNode || c.object.Type == CNode {
				return fmt.Errorf("caps: %v holds %d, %v", o.Extent, c.ref, c.object.Extent)
			}
		}
		if len(o.copies) == 0 && len(o.holds) > 0 {
			return fmt.Errorf("caps: %v holds %d that nobody can reach", o.Extent, len(o.holds))
		}
		for i, child := range o.children {
			switch {
			case child.parent != o || !allowed(o.Type, child.Type):
				return fmt.Errorf("caps: %v is below %v", child.Extent, o.Extent)
			case child.Type != Endpoint && (child.Base < o.Base || child.Base+child.Size > o.Base+o.Size):
				return fmt.Errorf("caps: %v is not in %v", child.Extent, o.Extent)
			case i > 0 && o.children[i-1].Base+o.children[i-1].Size > child.Base:
				return fmt.Errorf("caps: %v and %v overlap", o.children[i-1].Extent, child.Extent)
			}
			if err := walk(child); err != nil {
				return err
			}
		}
		return nil
	}
	for i, o := range s.roots {
		if o.place != i {
			return fmt.Errorf("caps: %v is root %d, and says %d", o.Extent, i, o.place)
		}
		for _, p := range s.roots[:i] {
			if !p.apart && !o.apart && shapes[p.Type].plain == shapes[o.Type].plain && p.overlaps(o.Base, o.Size) {
				return fmt.Errorf("caps: %v and %v overlap", p.Extent, o.Extent)
			}
		}
		if err := walk(o); err != nil {
			return err
		}
	}
	if objects != len(s.objects) {
		return fmt.Errorf("caps: %d objects, %d found below the roots", len(s.objects), objects)
	}
	if seen != len(s.caps) {
		return fmt.Errorf("caps: %d capabilities, %d found below the roots", len(s.caps), seen)
	}
	return nil
}
