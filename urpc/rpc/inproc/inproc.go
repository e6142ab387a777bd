// Package inproc is a channel within one process, for tests of what is built on
// package rpc: lines can be delayed, and an end can die. Delays are drawn from a
// seed, line by line; in a testing/synctest bubble, where time is virtual, a seed
// replays a run.
package inproc

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"barreleye/urpc"
)

// DefaultLines is how many lines lie in a direction before it is full.
const DefaultLines = 64

// Options say what happens to lines. The zero value delivers all, at once.
type Options struct {
	Lines    int           // that lie in a direction before it is full; 0 means DefaultLines
	Seed     uint64        // of the delays
	MaxDelay time.Duration // a line is delayed by up to this; order is kept
	DieAfter [2]int        // the end dies once it has sent so many lines; 0 never
}

// End is one end of a channel, an rpc.Channel.
type End struct {
	pair     *pair
	in, out  *way
	dieAfter int
	sent     int
}

// pair is what both ends share.
type pair struct {
	mu      sync.Mutex
	lines   int
	delay   time.Duration
	waiting map[chan struct{}]bool
}

// way is one direction.
type way struct {
	random  *rand.Rand
	lines   []sent
	last    time.Time // when the line sent last comes
	closed  bool      // by its sender: what was sent comes, then urpc.ErrClosed
	refused bool      // by its receiver
	arrived uint64    // changes when there may be something to take
	taken   uint64    // changes when there may be room
}

// sent is a line on its way.
type sent struct {
	urpc.Message
	due time.Time
}

// Pair makes a channel and returns its ends.
func Pair(o Options) (a, b *End) {
	if o.Lines == 0 {
		o.Lines = DefaultLines
	}
	p := &pair{lines: o.Lines, delay: o.MaxDelay, waiting: map[chan struct{}]bool{}}
	ab, ba := &way{random: rand.New(rand.NewPCG(o.Seed, 1))}, &way{random: rand.New(rand.NewPCG(o.Seed, 2))}
	return &End{pair: p, in: ba, out: ab, dieAfter: o.DieAfter[0]}, &End{pair: p, in: ab, out: ba, dieAfter: o.DieAfter[1]}
}

// TrySend implements rpc.Channel.
func (e *End) TrySend(m *urpc.Message) error {
	e.pair.mu.Lock()
	defer e.pair.mu.Unlock()
	w := e.out
	switch {
	case m.Len > urpc.MaxPayload || m.Type >= urpc.TypeReserved:
		return urpc.ErrMessage
	case w.closed || w.refused:
		return urpc.ErrClosed
	case len(w.lines) >= e.pair.lines:
		return urpc.ErrFull
	}
	due := time.Now()
	if e.pair.delay > 0 {
		due = due.Add(time.Duration(w.random.Int64N(int64(e.pair.delay))))
	}
	if due.Before(w.last) {
		due = w.last
	}
	w.last = due
	w.lines = append(w.lines, sent{*m, due})
	if wait := time.Until(due); wait > 0 {
		time.AfterFunc(wait, func() { e.pair.change(&w.arrived) })
	} else {
		e.pair.changed(&w.arrived)
	}
	if e.sent++; e.sent == e.dieAfter {
		e.die()
	}
	return nil
}

// TryRecv implements rpc.Channel.
func (e *End) TryRecv(m *urpc.Message) error {
	e.pair.mu.Lock()
	defer e.pair.mu.Unlock()
	w := e.in
	switch {
	case w.refused || len(w.lines) == 0 && w.closed:
		return urpc.ErrClosed
	case !w.ready():
		return urpc.ErrEmpty
	}
	*m = w.lines[0].Message
	w.lines = append(w.lines[:0], w.lines[1:]...)
	e.pair.changed(&w.taken)
	return nil
}

// ready reports whether TryRecv would not return urpc.ErrEmpty.
func (w *way) ready() bool {
	if w.refused || len(w.lines) == 0 {
		return w.refused || w.closed
	}
	return !time.Now().Before(w.lines[0].due)
}

// Flush implements rpc.Channel: the peer is woken with each line.
func (e *End) Flush() {}

// Polls implements rpc.Channel: it does not pay to look before sleeping.
func (e *End) Polls() int { return -1 }

// Arm implements rpc.Channel.
func (e *End) Arm() (p urpc.Parking, ready bool) {
	e.pair.mu.Lock()
	defer e.pair.mu.Unlock()
	return urpc.Parking{Sleeper: e.pair, Word: &e.in.arrived, Old: e.in.arrived}, e.in.ready()
}

// ArmRoom implements rpc.Channel.
func (e *End) ArmRoom() (p urpc.Parking, ready bool) {
	e.pair.mu.Lock()
	defer e.pair.mu.Unlock()
	w := e.out
	return urpc.Parking{Sleeper: e.pair, Word: &w.taken, Old: w.taken}, len(w.lines) < e.pair.lines || w.closed || w.refused
}

// Close implements rpc.Channel.
func (e *End) Close() { e.Die() }

// Die ends this end as the death of its core would: what it has sent is still
// received, nothing more is taken.
func (e *End) Die() {
	e.pair.mu.Lock()
	defer e.pair.mu.Unlock()
	e.die()
}

func (e *End) die() {
	e.out.closed, e.in.refused = true, true
	e.pair.changed(&e.out.arrived)
	e.pair.changed(&e.in.arrived)
	e.pair.changed(&e.in.taken)
	e.pair.changed(&e.out.taken)
}

// change changes a word and wakes who sleeps.
func (p *pair) change(word *uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed(word)
}

func (p *pair) changed(word *uint64) {
	atomic.AddUint64(word, 1)
	for ch := range p.waiting {
		close(ch)
		delete(p.waiting, ch)
	}
}

// Sleep implements urpc.Sleeper.
func (p *pair) Sleep(ctx context.Context, word *uint64, old uint64) error {
	p.mu.Lock()
	if atomic.LoadUint64(word) != old {
		p.mu.Unlock()
		return nil
	}
	ch := make(chan struct{})
	p.waiting[ch] = true
	p.mu.Unlock()
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		p.mu.Lock()
		delete(p.waiting, ch)
		p.mu.Unlock()
		return ctx.Err()
	}
}
