package pages

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"barreleye/urpc"
)

// Pool is one core's end of the pool that it shares with one peer.
type Pool struct {
	*book
	core *Core
	peer int
	ch   Channel
	err  error       // sticky: no line is sent or taken any more
	left atomic.Bool // this end ended the pool, so the peer may use again what it granted

	drops   []line // grants to be returned when there is room, as are the pages due
	behind  bool   // there are such
	roomer  bool   // the goroutine that waits for that room is there
	waiting waiters
}

// Peer is the core at the other end.
func (p *Pool) Peer() int { return p.peer }

// Size is the longest run that Take gives, in bytes: half the pool.
func (p *Pool) Size() int { return int(p.hi-p.lo) * PageSize }

// TryTake takes free pages for n bytes, which are then Len. What is in them is
// left from whoever used them last. It fails with ErrNone, ErrSize, and as the
// pool did. It does not allocate.
func (p *Pool) TryTake(n int) (Pages, error) {
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	return p.tryTake(n)
}

func (p *Pool) tryTake(n int) (Pages, error) {
	r, err := p.take(n)
	if err == ErrNone {
		p.drain()
		r, err = p.take(n)
	}
	switch {
	case p.err != nil && (err == nil || err == ErrNone):
		if err == nil {
			p.rest(r)
		}
		return Pages{}, p.err
	case err != nil:
		return Pages{}, err
	}
	if err := p.core.protect(p.shelf, r, ReadWrite); err != nil {
		p.rest(r)
		return Pages{}, err
	}
	return p.core.handle(p, p.shelf, r, n), nil
}

// Take is TryTake, but waits for pages to come home. Those that the peer holds
// come when it releases them. Errors are those of TryTake but ErrNone, and the
// context's.
func (p *Pool) Take(ctx context.Context, n int) (Pages, error) {
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	for {
		pages, err := p.tryTake(n)
		if err != ErrNone {
			return pages, err
		}
		if err := p.wait(ctx); err != nil {
			return Pages{}, err
		}
	}
}

// Give hands pages over to the peer, which gets Len bytes of them and the tag,
// and wakes it. Granted pages go back to the pool's peer if that granted them,
// and to nobody else. Give waits where the channel has no room. On an error the
// pages stay where they are. Errors are ErrGone, ErrPool, the context's,
// urpc.ErrClosed and that of the pool. It does not allocate.
func (p *Pool) Give(ctx context.Context, pages Pages, tag uint64) error {
	switch {
	case pages.pool == nil:
		return ErrGone
	case pages.shelf == p.shelf:
		l := line{kind: kindHand, run: pages.run, size: uint64(pages.size), tag: tag}
		return p.send(ctx, pages, &l, HandedOver)
	case pages.pool == p:
		l := line{kind: kindBack, run: pages.run, size: uint64(pages.size), tag: tag, other: uint64(pages.shelf.not(p.peer))}
		return p.send(ctx, pages, &l, HandedOver)
	}
	return ErrPool
}

// Grant lends pages of this pool, which this core owns, to a third core. That
// gets them by Accept of its pool with this core, and gives them back by Give,
// so that they are Received here from that pool, or by Release, so that they are
// free. When the third core closes or dies, they are free too. Errors are those
// of Give; ErrPool also where this core has no pool with the third one.
func (p *Pool) Grant(ctx context.Context, pages Pages, to int, tag uint64) error {
	switch {
	case pages.pool == nil:
		return ErrGone
	case pages.shelf != p.shelf || to == p.peer || to < 0 || to >= len(p.core.pools) || p.core.pools[to] == nil:
		return ErrPool
	}
	l := line{kind: kindGrant, run: pages.run, size: uint64(pages.size), tag: tag, other: uint64(p.peer)}
	return p.core.pools[to].send(ctx, pages, &l, Granted)
}

// send sends a line that takes pages out of the program's hands. In the debug
// mode they are gone before the peer can have them.
func (p *Pool) send(ctx context.Context, pages Pages, l *line, why Access) error {
	c := p.core
	c.mu.Lock()
	defer c.mu.Unlock()
	if !pages.valid() {
		return ErrGone
	}
	if err := c.protect(pages.shelf, pages.run, why); err != nil {
		return err
	}
	if l.kind == kindGrant {
		c.lend(loan{pages.pool, pages.run}, p.peer, true)
	}
	err := p.transmit(l)
	for err == urpc.ErrFull {
		if err = p.waitRoom(ctx); err != nil {
			break
		}
		if !pages.valid() {
			return ErrGone // given twice at a time: they are protected for that
		}
		err = p.transmit(l)
	}
	if err != nil {
		if l.kind == kindGrant {
			c.lend(loan{pages.pool, pages.run}, p.peer, false)
		}
		return errors.Join(err, c.protect(pages.shelf, pages.run, ReadWrite))
	}
	pages.shelf.drop(pages.run)
	switch l.kind {
	case kindHand:
		p.away(pages.run)
	case kindGrant:
		p.lent = append(p.lent, loan{pages.pool, pages.run})
		p.watchOver()
	}
	return nil
}

// transmit sends a line and wakes the peer, or fails as the channel does.
func (p *Pool) transmit(l *line) error {
	if p.err != nil {
		return p.err
	}
	l.generation = p.out + 1
	l.encode(&p.core.out)
	if err := p.ch.TrySend(&p.core.out); err != nil {
		return err
	}
	p.out++
	p.ch.Flush()
	return nil
}

// TryReceive takes what the peer handed over next, or gave back of what it was
// granted, with the tag. It fails with ErrEmpty, and as the pool did, after all
// that came before. It does not allocate.
func (p *Pool) TryReceive() (Pages, uint64, error) {
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	return p.next(&p.came)
}

// Receive is TryReceive, but waits. Errors are those of TryReceive but ErrEmpty,
// and the context's.
func (p *Pool) Receive(ctx context.Context) (Pages, uint64, error) {
	return p.await(ctx, &p.came)
}

// TryAccept takes what the peer granted next: pages of a pool of its own with
// another core. Otherwise it is TryReceive.
func (p *Pool) TryAccept() (Pages, uint64, error) {
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	return p.next(&p.offers)
}

// Accept is TryAccept, but waits.
func (p *Pool) Accept(ctx context.Context) (Pages, uint64, error) {
	return p.await(ctx, &p.offers)
}

func (p *Pool) await(ctx context.Context, q *queue) (Pages, uint64, error) {
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	for {
		pages, tag, err := p.next(q)
		if err != ErrEmpty {
			return pages, tag, err
		}
		if err := p.wait(ctx); err != nil {
			return Pages{}, 0, err
		}
	}
}

// next takes an arrival off a queue.
func (p *Pool) next(q *queue) (Pages, uint64, error) {
	a := q.first()
	if a == nil {
		p.drain()
		a = q.first()
	}
	switch {
	case a != nil:
	case p.err != nil:
		return Pages{}, 0, p.err
	default:
		return Pages{}, 0, ErrEmpty
	}
	if err := p.core.borrow(a.pages); err != nil {
		return Pages{}, 0, err
	}
	if err := p.core.protect(a.pages.shelf, a.pages.run, ReadWrite); err != nil {
		return Pages{}, 0, err
	}
	q.pop()
	return a.pages, a.tag, nil
}

// Release gives up pages that are not needed any more: they go home, where they
// are free, or back to who granted them. It never waits: where the channel has no
// room they follow later. It fails with ErrGone. It does not allocate.
func (p Pages) Release() error {
	if p.pool == nil {
		return ErrGone
	}
	c := p.pool.core
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.valid() {
		return ErrGone
	}
	if err := c.protect(p.shelf, p.run, Released); err != nil {
		return err
	}
	p.shelf.drop(p.run)
	if p.granted() {
		p.pool.drop(line{kind: kindDrop, run: p.run, other: uint64(p.shelf.not(p.pool.peer))})
	} else {
		p.pool.release(p.run)
	}
	return nil
}

// release lets pages of mine that nobody uses go home.
func (p *Pool) release(r run) {
	if p.home(r) {
		p.rest(r)
		p.waiting.tell()
		return
	}
	l := line{kind: kindHome, run: r}
	if !p.behind && p.transmit(&l) == nil {
		p.away(r)
		return
	}
	p.due.set(r)
	p.makeRoom()
}

// drop returns a grant.
func (p *Pool) drop(l line) {
	if !p.behind && p.transmit(&l) == nil {
		return
	}
	p.drops = append(p.drops, l)
	p.makeRoom()
}

// Close ends the pool. The peer gets what was given before, and then
// urpc.ErrClosed. Pages in hand stay valid, but for those that the peer granted;
// pages that are granted to the peer are lost.
func (p *Pool) Close() {
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	p.left.Store(true)
	p.fail(urpc.ErrClosed)
}

// fail ends the pool with an error, the first one.
func (p *Pool) fail(err error) {
	if p.err != nil {
		return
	}
	p.err = err
	if err != urpc.ErrClosed {
		p.err = fmt.Errorf("pages: core %d: pool with core %d: %w", p.core.cfg.Self, p.peer, err)
		p.left.Store(true)
	}
	// Who closed has said that it uses nothing any more; for who died the VMM
	// said so, after it made sure. Who broke the protocol may go on writing.
	for _, n := range p.lent {
		p.core.lend(n, p.peer, false)
		if !p.left.Load() {
			n.of.release(n.run)
		}
	}
	p.lent = nil
	p.ch.Close()
	p.waiting.tell()
}
