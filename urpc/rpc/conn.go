package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"barreleye/urpc"
)

// Conn is one end of a channel for calls. Any number of goroutines may use it.
type Conn struct {
	ch       Channel // nil at a Conn of Local
	inFlight int
	maxBytes int
	ctx      context.Context // ends with the Conn
	stop     context.CancelFunc
	methods  []method // by number

	mu  sync.Mutex   // over all below, and the use of ch
	err error        // sticky
	out urpc.Message // the line being sent
	in  urpc.Message // the line being taken

	poller   *waiter // who polls, for all (receive.go)
	told     bool    // somebody has something to do now, if the one that polls yields
	parked   waiters // goroutines that wait to be told
	watching bool    // the goroutine of watch works for the parked ones
	itself   waiter  // that goroutine, where it polls
	watcher  bool    // it was started
	arm      chan struct{}

	wanting []*waiter // who waits for room (send.go)
	roomed  bool      // the goroutine of watchRoom works for them
	roomer  bool      // it was started
	armRoom chan struct{}

	calls   []*Call // our calls, by slot; those not made yet are nil
	free    []uint16
	lacking []*lacking // goroutines that wait for a slot, the longest first
	spare   []*lacking // for the next ones
	cancels []cancel   // to be sent when there is room

	served   []*serving // the peer's calls, by slot
	queue    []uint16   // slots of requests that are to be served; a ring
	queueAt  int        // the oldest one
	queued   int
	serving  waiter // of Serve
	serves   bool   // Serve runs
	work     chan *serving
	workers  int
	inPlaces sync.Mutex // Local: one method in place at a time
}

// New makes an end that owns ch from now on. It fails with ErrConfig.
func New(ch Channel, cfg Config) (*Conn, error) {
	c, err := newConn(cfg)
	if err != nil {
		return nil, err
	}
	c.ch = ch
	return c, nil
}

func newConn(cfg Config) (*Conn, error) {
	if cfg.InFlight == 0 {
		cfg.InFlight = DefaultInFlight
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	switch {
	case cfg.InFlight < 0 || cfg.InFlight > MaxInFlight:
		return nil, fmt.Errorf("%d calls in flight, 1 to %d possible: %w", cfg.InFlight, MaxInFlight, ErrConfig)
	case cfg.MaxBytes < lineBytes || cfg.MaxBytes > MaxMaxBytes:
		return nil, fmt.Errorf("messages of %d bytes, %d to %d possible: %w", cfg.MaxBytes, lineBytes, MaxMaxBytes, ErrConfig)
	}
	c := &Conn{
		inFlight: cfg.InFlight, maxBytes: cfg.MaxBytes,
		arm: make(chan struct{}, 1), armRoom: make(chan struct{}, 1),
		calls:   make([]*Call, cfg.InFlight),
		serving: newWaiter(), work: make(chan *serving),
	}
	for i := range cfg.InFlight {
		c.free = append(c.free, uint16(cfg.InFlight-1-i))
	}
	if len(cfg.Services) > 0 {
		c.served, c.queue = make([]*serving, cfg.InFlight), make([]uint16, cfg.InFlight)
	}
	for _, s := range cfg.Services {
		if err := c.register(s); err != nil {
			return nil, err
		}
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// Close ends the channel. Calls that wait return urpc.ErrClosed, on both sides,
// and contexts of methods that run end. The peer takes what was sent before.
func (c *Conn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail(urpc.ErrClosed)
}

// Done is closed when the Conn has ended, by Close or by its peer.
func (c *Conn) Done() <-chan struct{} { return c.ctx.Done() }

// Err is nil until the Conn has ended, and then says why: urpc.ErrClosed, or an
// error that wraps urpc.ErrCorrupt where the peer broke the protocol.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// fail ends the Conn with an error, the first one. c.mu is held.
func (c *Conn) fail(err error) error {
	if c.err != nil {
		return c.err
	}
	c.err = err
	if c.ch != nil {
		c.ch.Close()
	}
	c.stop()
	for c.parked.first != nil {
		w := c.parked.first
		c.parked.remove(w)
		w.tell()
	}
	return err
}

// broken ends the Conn for an error of its channel that is lasting. A peer that
// closed has perhaps answered before, so that what it sent is taken first.
func (c *Conn) broken(err error) error {
	if errors.Is(err, urpc.ErrCorrupt) {
		return c.fail(err)
	}
	return err
}

// violated is an error that wraps urpc.ErrCorrupt, for a line that a correct peer
// does not send in the state of its call.
func violated(l *line, what string) error {
	return fmt.Errorf("line of kind %d for call %#x: %s: %w", l.kind, uint32(l.id), what, urpc.ErrCorrupt)
}
