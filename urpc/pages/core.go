package pages

import (
	"fmt"
	"sync"

	"barreleye/urpc"
)

// Channel carries the lines of a pool; *urpc.Conn is one. The pool owns its end.
type Channel interface {
	TrySend(*urpc.Message) error
	TryRecv(*urpc.Message) error
	Flush()
	Arm() (p urpc.Parking, ready bool)
	ArmRoom() (p urpc.Parking, ready bool)
	Polls() int
	Close()
}

// Config is what pools need of their core.
type Config struct {
	Self, Cores int
	// Memory returns the pool of the pair a < b: whole pages, the same at all
	// cores, zero at first. It is called once per pair.
	Memory func(a, b int) ([]byte, error)
	// Protect turns the debug mode on: it changes what this core's program may
	// do with whole pages of a pool, so that using them faults. At first all
	// pages of all pools must be NotTaken. nil: off.
	Protect func(mem []byte, to Access) error
	// Lend tells whose pages of the pool with a peer are: from now on lent to a third
	// core, or no more. It is called before the third core hears of them, and after
	// it gave them back, or is gone. nil: all cores see all pools.
	Lend func(mem []byte, peer, to int, lent bool)
	// Borrow makes pages of a pool of two others usable here, which one of them
	// lent. nil: they are.
	Borrow func(mem []byte) error
}

// Core has the pools of one core.
type Core struct {
	cfg Config

	mu      sync.Mutex // over everything below, all books, and the use of all channels
	pools   []*Pool    // by peer
	shelves map[[2]int]*shelf
	tickets uint64 // handles made so far
	out, in urpc.Message
}

// NewCore makes a core without pools. It fails with ErrConfig.
func NewCore(cfg Config) (*Core, error) {
	if cfg.Self < 0 || cfg.Self >= cfg.Cores || cfg.Memory == nil {
		return nil, fmt.Errorf("pages: core %d of %d: %w", cfg.Self, cfg.Cores, ErrConfig)
	}
	return &Core{cfg: cfg, pools: make([]*Pool, cfg.Cores), shelves: map[[2]int]*shelf{}}, nil
}

// shelf returns the memory of a pair, in any order. c.mu is held.
func (c *Core) shelf(a, b int) (*shelf, error) {
	a, b = min(a, b), max(a, b)
	if s := c.shelves[[2]int{a, b}]; s != nil {
		return s, nil
	}
	mem, err := c.cfg.Memory(a, b)
	if err != nil {
		return nil, err
	}
	s, err := newShelf(a, b, mem)
	if err == nil {
		c.shelves[[2]int{a, b}] = s
	}
	return s, err
}

// Pool makes this core's end of the pool with peer, which owns ch from now on.
// There is one per peer. It fails with ErrConfig.
func (c *Core) Pool(peer int, ch Channel) (*Pool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if peer < 0 || peer >= c.cfg.Cores || peer == c.cfg.Self || c.pools[peer] != nil {
		return nil, fmt.Errorf("pages: core %d of %d: pool with core %d, one with each of the others possible: %w", c.cfg.Self, c.cfg.Cores, peer, ErrConfig)
	}
	s, err := c.shelf(c.cfg.Self, peer)
	if err != nil {
		return nil, err
	}
	p := &Pool{core: c, peer: peer, ch: ch, book: newBook(s, c.cfg.Self)}
	p.shelf = s
	c.pools[peer] = p
	return p, nil
}

// protect is Config.Protect of a run, nothing where the debug mode is off.
func (c *Core) protect(s *shelf, r run, to Access) error {
	if c.cfg.Protect == nil {
		return nil
	}
	return c.cfg.Protect(s.bytes(r), to)
}

// lend is Config.Lend of a loan to a core.
func (c *Core) lend(n loan, to int, lent bool) {
	if c.cfg.Lend != nil {
		c.cfg.Lend(n.of.shelf.bytes(n.run), n.of.peer, to, lent)
	}
}

// borrow is Config.Borrow of pages that were granted.
func (c *Core) borrow(p Pages) error {
	if c.cfg.Borrow == nil || !p.granted() {
		return nil
	}
	return c.cfg.Borrow(p.shelf.bytes(p.run))
}

// handle puts a run into the program's hands.
func (c *Core) handle(p *Pool, s *shelf, r run, size int) Pages {
	c.tickets++
	s.put(r, c.tickets)
	return Pages{pool: p, shelf: s, run: r, size: size, ticket: c.tickets}
}
