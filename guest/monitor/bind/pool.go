package bind

import "slices"

// pool hands out runs of pages: first fit, so that what was used before is used
// again first.
type pool struct {
	free []run // in order, none touches the next
	used int   // pages from here on were never handed out: they are zero
}

type run struct{ page, pages int }

func newPool(pages int) *pool { return &pool{free: []run{{0, pages}}} }

// take returns the first of that many pages, and how many of them, from the first on,
// are not zero.
func (p *pool) take(pages int) (page, dirty int, ok bool) {
	for i, r := range p.free {
		if r.pages < pages {
			continue
		}
		if r.pages == pages {
			p.free = slices.Delete(p.free, i, i+1)
		} else {
			p.free[i] = run{r.page + pages, r.pages - pages}
		}
		dirty = min(max(p.used-r.page, 0), pages)
		p.used = max(p.used, r.page+pages)
		return r.page, dirty, true
	}
	return 0, 0, false
}

// put takes a run back.
func (p *pool) put(page, pages int) {
	i, _ := slices.BinarySearchFunc(p.free, page, func(r run, page int) int { return r.page - page })
	p.free = slices.Insert(p.free, i, run{page, pages})
	if i+1 < len(p.free) && p.free[i+1].page == page+pages {
		p.free[i].pages += p.free[i+1].pages
		p.free = slices.Delete(p.free, i+1, i+2)
	}
	if i > 0 && p.free[i-1].page+p.free[i-1].pages == page {
		p.free[i-1].pages += p.free[i].pages
		p.free = slices.Delete(p.free, i, i+1)
	}
}
