package pages

import "barreleye/urpc"

// takeAtOnce bounds the lines taken before whoever waits may look.
const takeAtOnce = 64

// drain takes the lines that are there.
func (p *Pool) drain() {
	n := 0
	for ; n < takeAtOnce && p.err == nil; n++ {
		err := p.ch.TryRecv(&p.core.in)
		if err == urpc.ErrEmpty {
			break
		}
		if err == nil {
			err = p.arrived(&p.core.in)
		}
		if err != nil {
			p.fail(err)
		}
	}
	if n > 0 {
		p.waiting.tell()
	}
}

// arrived applies a line of the peer. An error wraps urpc.ErrCorrupt.
func (p *Pool) arrived(m *urpc.Message) error {
	var l line
	if err := l.decode(m); err != nil {
		return err
	}
	if err := p.check(&l); err != nil {
		return err
	}
	switch l.kind {
	case kindGrant:
		return p.granted(&l)
	case kindBack, kindDrop:
		return p.returned(&l)
	}
	if err := p.book.arrive(&l); err != nil {
		return err
	}
	if l.kind == kindHand {
		p.came.push(arrival{p.core.handle(p, p.shelf, l.run, int(l.size)), l.tag})
	}
	return nil
}

// granted takes a grant of the peer. That the peer owns the pages only the other
// core of their pool could tell.
func (p *Pool) granted(l *line) error {
	c := p.core
	if l.other >= uint64(c.cfg.Cores) || int(l.other) == c.cfg.Self || int(l.other) == p.peer {
		return l.wrong("a pool that there is not")
	}
	s, err := c.shelf(p.peer, int(l.other))
	if err != nil {
		return l.wrong(err.Error())
	}
	switch {
	case l.run.end() > s.pages():
		return l.wrong("outside the pool")
	case !s.hand.none(l.run):
		return l.wrong("pages that were granted before")
	}
	p.offers.push(arrival{c.handle(p, s, l.run, int(l.size)), l.tag})
	return nil
}

// returned ends a grant to the peer.
func (p *Pool) returned(l *line) error {
	n, err := p.repaid(l)
	if err != nil {
		return err
	}
	p.core.lend(n, p.peer, false)
	if l.kind == kindDrop {
		n.of.release(n.run)
		return nil
	}
	p.came.push(arrival{p.core.handle(n.of, n.of.shelf, n.run, int(l.size)), l.tag})
	return nil
}
