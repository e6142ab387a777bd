package guest

import (
	"errors"
	"fmt"
	"sync"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/urpc/pages"
)

// ErrPool says that two cores share no pool of pages any more: that ended with an earlier
// life of one of them.
var ErrPool = errors.New("the pool ended with an earlier life")

// Pages returns this core's end of the pool of pages that it shares with a peer:
// memory that the two hand to each other without copying it. The same end is
// returned every time; any number of goroutines may use it. A grant by a peer of
// pages that it shares with a third core is accepted at the end with that peer.
func Pages(peer int) (*pages.Pool, error) { return handed.pool(peer) }

// handed are the pools of this core.
var handed pagePools

type pagePools struct {
	mu    sync.Mutex
	core  *pages.Core // nil before the first pool
	pools map[int]*pages.Pool
}

// initPages takes the pages of all pools from the program, in the debug mode:
// none is in its hands yet.
func initPages(view *region.View) error {
	if !here.DebugPages() {
		return nil
	}
	for a := range view.Cores {
		for b := a + 1; b < view.Cores; b++ {
			pool, err := view.Pages(a, b)
			if err == nil {
				err = here.ProtectPages(pool, pages.NotTaken)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *pagePools) pool(peer int) (*pages.Pool, error) {
	if links.lastLife(peer) > 1 || Life() > 1 {
		// the other one's program may have pages of an earlier life in hand
		return nil, fmt.Errorf("core %d: pool with core %d: %w: send the data over a channel", Core(), peer, ErrPool)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.pools[peer]; p != nil {
		return p, nil
	}
	if h.core == nil {
		cfg := pages.Config{Self: Core(), Cores: Cores(), Memory: links.view.Pages, Lend: lend, Borrow: here.BorrowPages}
		if here.DebugPages() {
			cfg.Protect = here.ProtectPages
		}
		core, err := pages.NewCore(cfg)
		if err != nil {
			return nil, err
		}
		h.core, h.pools = core, map[int]*pages.Pool{}
	}
	ch, err := links.conn(region.ChannelPages, peer)
	if err != nil {
		return nil, err
	}
	p, err := h.core.Pool(peer, ch)
	if err != nil {
		return nil, fmt.Errorf("core %d: %w", Core(), err)
	}
	h.pools[peer] = p
	return p, nil
}

// lend tells the VMM which pages of this core's pool with a peer another core may use.
func lend(mem []byte, peer, to int, lent bool) {
	v := links.view
	if _, _, first, ok := v.PageAt(uint64(addressOf(mem))); ok {
		v.Lend(Core(), peer, to, first, len(mem)/layout.PageSize, lent)
	}
}
