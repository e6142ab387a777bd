package vspace

// Table is a page of RAM that was retyped to a VNode.
type Table struct {
	ID    uint32 // how the CPU driver calls it; 0 is the PML4
	Level uint8
}

// Tables gives page-table pages and takes them back.
type Tables interface {
	// Take returns a VNode of a level, 3 to 1, whose slots are empty.
	Take(level uint8) (Table, error)
	// Drop takes back one that is in no slot and whose slots are empty.
	Drop(Table)
}

// spares are VNodes that are in no slot, kept for the next mapping.
type spares struct {
	from Tables
	list [4][]Table // by level
}

// keep is how many of each level are kept.
const keep = 2

func (s *spares) take(level uint8) (Table, error) {
	if n := len(s.list[level]); n > 0 {
		t := s.list[level][n-1]
		s.list[level] = s.list[level][:n-1]
		return t, nil
	}
	return s.from.Take(level)
}

func (s *spares) put(t Table) { s.list[t.Level] = append(s.list[t.Level], t) }

// trim gives back what is more than n of each level.
func (s *spares) trim(n int) {
	for level, list := range s.list {
		for len(list) > n {
			s.from.Drop(list[len(list)-1])
			list = list[:len(list)-1]
		}
		s.list[level] = list
	}
}
