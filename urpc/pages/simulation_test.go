package pages

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"barreleye/urpc"
	"barreleye/urpc/seedtest"
)

var seeds = flag.Uint64("pages.seeds", 1500, "simulations to run")

// world is a simulated multikernel: cores with pools between all of them, wires
// that keep their order and are often full, and deaths at any step, before and
// after each line as well. It has one goroutine; a seed replays a run.
type world struct {
	rng    *rand.Rand
	mem    *memories
	cores  []*body
	wires  map[[2]int]*wire // by writer and reader
	deaths int              // still to come
	stamp  uint64
	fault  error
}

// body is a core and what its program has in hand.
type body struct {
	core   *Core
	dead   bool
	hand   []held
	access map[*byte]Access // by page; those that are not there were never taken
}

// protect is the debug mode's, which the simulation has on.
func (c *body) protect(mem []byte, to Access) error {
	for i := 0; i < len(mem); i += PageSize {
		c.access[&mem[i]] = to
	}
	return nil
}

// held is a run in hand: the program has put a stamp into each page of it, and
// nobody else may change that.
type held struct {
	pages Pages
	stamp uint64
	lent  bool // by another core
}

// wire is one direction of a channel.
type wire struct {
	w        *world
	from, to int
	queue    []urpc.Message
	closed   bool // by its writer, or for it after its death
	deaf     bool // closed by its reader
}

// end is one core's end of two wires: a Channel.
type end struct{ out, in *wire }

// died is what a core panics with that dies between two lines.
type died struct{}

const wireLines = 3

func (e end) TrySend(m *urpc.Message) error {
	w := e.out.w
	switch {
	case e.out.closed || e.out.deaf:
		return urpc.ErrClosed
	case len(e.out.queue) == wireLines:
		return urpc.ErrFull
	}
	w.mayDie(e.out.from)
	e.out.queue = append(e.out.queue, *m)
	w.mayDie(e.out.from)
	return nil
}

func (e end) TryRecv(m *urpc.Message) error {
	switch {
	case len(e.in.queue) > 0:
		*m, e.in.queue = e.in.queue[0], e.in.queue[1:]
		return nil
	case e.in.closed:
		return urpc.ErrClosed
	}
	return urpc.ErrEmpty
}

func (e end) Flush()                        {}
func (e end) Arm() (urpc.Parking, bool)     { return urpc.Parking{}, false }
func (e end) ArmRoom() (urpc.Parking, bool) { return urpc.Parking{}, false }
func (e end) Polls() int                    { return 0 }
func (e end) Close()                        { e.out.closed, e.in.deaf = true, true }

// mayDie ends the core here and now, sometimes.
func (w *world) mayDie(core int) {
	if w.deaths > 0 && w.rng.IntN(60) == 0 {
		panic(died{})
	}
}

func newWorld(seed uint64) *world {
	rng := rand.New(rand.NewPCG(seed, 4))
	n := 2 + rng.IntN(3)
	w := &world{rng: rng, mem: newMemories(2 * (1 + rng.IntN(70))), wires: map[[2]int]*wire{}, deaths: rng.IntN(3)}
	for i := range n {
		c := &body{access: map[*byte]Access{}}
		c.core = must(NewCore(Config{Self: i, Cores: n, Memory: w.mem.of, Protect: c.protect}))
		w.cores = append(w.cores, c)
		for j := range n {
			w.wires[[2]int{i, j}] = &wire{w: w, from: i, to: j}
		}
	}
	for i, c := range w.cores {
		for j := range n {
			if j != i {
				p := must(c.core.Pool(j, end{w.wires[[2]int{i, j}], w.wires[[2]int{j, i}]}))
				// goroutines of the pool's own have no place here
				p.waiting.watched, p.roomer = true, true
			}
		}
	}
	return w
}

func (w *world) fail(format string, args ...any) {
	if w.fault == nil {
		w.fault = fmt.Errorf(format, args...)
	}
}

// keep takes a run into core's hands and stamps it.
func (w *world) keep(core int, p Pages) {
	w.stamp++
	h := held{p, w.stamp, p.granted()}
	for i := range p.run.count {
		binary.LittleEndian.PutUint64(p.shelf.mem[int(p.run.first+i)*PageSize:], w.stamp)
	}
	w.cores[core].hand = append(w.cores[core].hand, h)
}

// check wants the stamp in all pages of a run.
func (w *world) check(core int, p Pages, stamp uint64) {
	for i := range p.run.count {
		if got := binary.LittleEndian.Uint64(p.shelf.mem[int(p.run.first+i)*PageSize:]); got != stamp {
			w.fail("core %d: page %d of the pool of %d and %d holds stamp %d, not %d: it has two owners",
				core, p.run.first+i, p.shelf.a, p.shelf.b, got, stamp)
		}
	}
}

// checkAccess wants exactly those pages mapped that the core's program has in
// hand.
func (w *world) checkAccess(core int) {
	c := w.cores[core]
	mapped := 0
	for _, to := range c.access {
		if to == ReadWrite {
			mapped++
		}
	}
	for _, h := range c.hand {
		for i := range h.pages.run.count {
			if c.access[&h.pages.shelf.mem[(h.pages.run.first+i)*PageSize]] != ReadWrite {
				w.fail("core %d: a page in hand is not mapped", core)
			}
			mapped--
		}
	}
	if mapped != 0 {
		w.fail("core %d: %d pages are mapped that are not in hand", core, mapped)
	}
}

// drop takes run i out of core's hands.
func (c *body) drop(i int) {
	c.hand[i] = c.hand[len(c.hand)-1]
	c.hand = c.hand[:len(c.hand)-1]
}

// step lets a core do something, which it may not survive.
func (w *world) step(core int) {
	c := w.cores[core]
	defer func() {
		switch r := recover(); r.(type) {
		case nil:
		case died:
			w.kill(core)
		default:
			panic(r)
		}
	}()
	if w.deaths > 0 && w.rng.IntN(300) == 0 {
		w.kill(core)
		return
	}
	peer := w.rng.IntN(len(w.cores))
	p := c.core.pools[peer]
	if p == nil {
		return
	}
	for _, h := range c.hand {
		w.check(core, h.pages, h.stamp)
	}
	w.checkAccess(core)
	switch w.rng.IntN(8) {
	case 0, 1:
		q, err := p.TryTake(1 + w.rng.IntN(p.Size()))
		if w.gone(core, peer, err, ErrNone) {
			w.keep(core, q)
		}
	case 2, 3:
		w.arrived(core, peer, p.TryReceive)
	case 4:
		w.arrived(core, peer, p.TryAccept)
	case 5:
		w.send(core, peer, kindHand)
	case 6:
		w.send(core, peer, kindGrant)
	case 7:
		if len(c.hand) > 0 {
			i := w.rng.IntN(len(c.hand))
			q := c.hand[i].pages
			c.drop(i)
			if err := q.Release(); err != nil {
				w.fail("core %d: release: %v", core, err)
			}
		}
	}
	w.sendDue(c)
}

// sendDue does what the pool's goroutine does for lines that wait for room.
func (w *world) sendDue(c *body) {
	for _, p := range c.core.pools {
		if p == nil {
			continue
		}
		p.core.mu.Lock()
		for p.err == nil && p.sendNext() == nil {
		}
		p.core.mu.Unlock()
	}
}

// gone reports whether an operation of core for its peer has done something. An
// error must be the one named or, if the peer is dead, that it is.
func (w *world) gone(core, peer int, err, nothing error) bool {
	if err != nil && err != nothing && !(errors.Is(err, urpc.ErrClosed) && w.cores[peer].dead) {
		w.fail("core %d: pool with core %d: %v", core, peer, err)
	}
	return err == nil
}

// arrived takes what came. Its tag is the stamp that the giver left in it.
func (w *world) arrived(core, peer int, take func() (Pages, uint64, error)) {
	q, stamp, err := take()
	if w.gone(core, peer, err, ErrEmpty) {
		w.check(core, q, stamp)
		w.keep(core, q)
	}
}

// send gives or grants something, if there is something that can be.
func (w *world) send(core, peer int, k kind) {
	c := w.cores[core]
	if len(c.hand) == 0 {
		return
	}
	i := w.rng.IntN(len(c.hand))
	h := c.hand[i]
	to := h.pages.pool // where it can be given
	if k == kindGrant {
		if h.lent || peer == to.peer {
			return
		}
	} else {
		peer = to.peer
	}
	via := c.core.pools[peer]
	if len(w.wires[[2]int{core, peer}].queue) == wireLines {
		return // it would wait
	}
	var err error
	if k == kindGrant {
		err = to.Grant(background, h.pages, peer, h.stamp)
	} else {
		err = via.Give(background, h.pages, h.stamp)
	}
	if w.gone(core, peer, err, nil) {
		c.drop(i)
	}
}

// kill ends a core. It stops for good first; then the others can hear of it.
func (w *world) kill(core int) {
	w.deaths--
	w.cores[core].dead = true
	for other := range w.cores {
		w.wires[[2]int{core, other}].closed = true
		w.wires[[2]int{other, core}].deaf = true
	}
}

// settle lets the living release all that they have and take all that comes,
// until nothing moves, and wants every page where it belongs.
func (w *world) settle() {
	w.deaths = 0
	for moved := true; moved && w.fault == nil; {
		moved = false
		for i, c := range w.cores {
			if c.dead {
				continue
			}
			for len(c.hand) > 0 {
				h := c.hand[0]
				w.check(i, h.pages, h.stamp)
				c.drop(0)
				if err := h.pages.Release(); err != nil {
					w.fail("core %d: release: %v", i, err)
				}
				moved = true
			}
			for j, p := range c.core.pools {
				if p == nil {
					continue
				}
				before := len(c.hand)
				w.arrived(i, j, p.TryReceive)
				w.arrived(i, j, p.TryAccept)
				moved = moved || len(c.hand) > before
			}
			w.sendDue(c)
		}
		for to, wire := range w.wires {
			moved = moved || len(wire.queue) > 0 && !w.cores[to[1]].dead
		}
	}
	for i, c := range w.cores {
		for j, p := range c.core.pools {
			switch {
			case c.dead || p == nil:
			case w.cores[j].dead:
				w.wantOwn(i, p)
			case !p.free.all(run{p.lo, p.hi - p.lo}) || p.mine.next(0, p.shelf.pages()) != run{p.lo, p.hi - p.lo}:
				w.fail("core %d has not all its pages of the pool with core %d: %b of %b free", i, j, p.free, p.mine)
			}
		}
	}
}

// wantOwn wants what a core still has of a pool with a dead one to be at rest,
// and nothing of it to be lent.
func (w *world) wantOwn(core int, p *Pool) {
	for i := range p.shelf.pages() {
		r := run{i, 1}
		if p.mine.all(r) && p.free.none(r) && p.due.none(r) {
			w.fail("core %d: page %d of the pool with dead core %d never came back", core, i, p.peer)
		}
	}
	if len(p.lent) != 0 {
		w.fail("core %d: %d runs are lent to dead core %d", core, len(p.lent), p.peer)
	}
}

func (w *world) run() error {
	for range 100 + w.rng.IntN(1500) {
		if core := w.rng.IntN(len(w.cores)); !w.cores[core].dead {
			w.step(core)
		}
		if w.fault != nil {
			return w.fault
		}
	}
	w.settle()
	return w.fault
}

// TestSimulation: whatever happens in whatever order, no page has two owners, a
// core has those mapped that its program has in hand, and no others,
// nothing that was given is lost or changed on its way, every page of living
// cores comes home, and so does what was granted to a core that died.
func TestSimulation(t *testing.T) {
	first, n := uint64(1), *seeds
	if seed := seedtest.Given(); seed != 0 {
		first, n = seed, 1
	} else if underRace || testing.Short() {
		n /= 20
	}
	for seed := first; seed < first+n; seed++ {
		if err := newWorld(seed).run(); err != nil {
			t.Fatalf("%v\nrepeat with -urpc.seed=%d", err, seed)
		}
	}
}
