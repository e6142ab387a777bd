// Package inquiry is the VMM's side of the requests to cores' monitors (package
// guest/monitor/requests): it asks one life of a core, over the rings of the shared region
// that the core has with the VMM, and collects the answer. The core may be stuck, dead, or
// hostile: every request ends.
package inquiry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"barreleye/devices/region"
	"barreleye/guest/monitor/requests"
	"barreleye/urpc"
)

// Errors of requests, beside those of package requests and of the core.
var (
	// ErrEnded says that the core's life ended before it had answered.
	ErrEnded = errors.New("its life ended before it answered")
	// ErrCorrupt says that it sent what no monitor sends.
	ErrCorrupt = errors.New("its answer is corrupt, it is asked nothing more in this life: restart the core")
	// ErrSilent says that it did not answer in time.
	ErrSilent = errors.New("it does not answer")
)

// Desk asks one life of a core. Any number of goroutines may use it.
type Desk struct {
	ctx  context.Context // ends with Close
	stop context.CancelFunc

	receiver *urpc.Receiver // the reading goroutine's
	pace     *pace          // likewise
	over     chan struct{}  // closed when the reading goroutine has ended; nil where there is none

	mu      sync.Mutex
	sender  *urpc.Sender
	client  requests.Client
	waiting map[uint64]chan<- requests.Answer
	reading bool
	err     error // why it asks nothing more
}

// Open makes the desk for a life of a core, before that runs. bell wakes the core.
func Open(view *region.View, core int, life uint64, bell *urpc.Bell) (*Desk, error) {
	own, e1 := view.VMMSide(core)
	other, e2 := view.CoreSide(core)
	if err := errors.Join(e1, e2); err != nil {
		return nil, err
	}
	d := &Desk{waiting: map[uint64]chan<- requests.Answer{}, pace: &pace{}}
	var err error
	d.sender, d.receiver, err = urpc.NewHalves(own, other, urpc.Link{Epoch: region.OwnEpoch(life), Bell: bell, Sleeper: d.pace, Polls: polls})
	d.ctx, d.stop = context.WithCancel(context.Background())
	return d, err
}

// pace is how the VMM waits for a core's lines: it looks now and then, ever more rarely
// while nothing comes, so that no core has to ring it.
type pace struct{ quiet time.Duration }

const (
	lookSoon  = 100 * time.Microsecond
	lookLater = 2 * time.Millisecond
	polls     = 64 // before it sleeps between two looks
)

// Sleep implements urpc.Sleeper. Whether ctx has ended the receiver asks itself, once
// it has taken what is there.
func (p *pace) Sleep(context.Context, *uint64, uint64) error {
	p.quiet = min(p.quiet+p.quiet/8+lookSoon, lookLater)
	time.Sleep(p.quiet)
	return nil
}

// Ask asks the core and returns its answer. Where ctx ends first the error wraps ErrSilent.
func (d *Desk) Ask(ctx context.Context, kind requests.Kind, arg uint64) ([]byte, error) {
	answer := make(chan requests.Answer, 1)
	id, err := d.ask(kind, arg, answer)
	if err != nil {
		return nil, err
	}
	select {
	case a := <-answer:
		return a.Data, a.Err
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case a := <-answer: // it came just now
		return a.Data, a.Err
	default:
	}
	delete(d.waiting, id)
	if m, ok := d.client.GiveUp(id); ok {
		d.send(&m)
	}
	return nil, ErrSilent
}

func (d *Desk) ask(kind requests.Kind, arg uint64, answer chan<- requests.Answer) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return 0, d.err
	}
	if d.client.Open() >= requests.MaxOpen { // which keeps it within the ring, too
		if len(d.waiting) == 0 { // it answers none of them
			return 0, ErrSilent
		}
		return 0, requests.ErrBusy
	}
	id, m := d.client.Ask(kind, arg)
	d.waiting[id] = answer
	if d.send(&m); d.err != nil {
		return 0, d.err
	}
	if !d.reading {
		d.reading, d.over = true, make(chan struct{})
		go d.read(d.over)
	}
	return id, nil
}

// send sends a line, with mu held. There is room: each open request has two lines at
// most, and a core that answered has taken them. One that lies about it is broken.
func (d *Desk) send(m *urpc.Message) {
	err := d.sender.TrySend(m)
	if d.sender.Flush(); err != nil {
		d.fail(err)
	}
}

// fail ends everything, with mu held.
func (d *Desk) fail(cause error) {
	switch {
	case errors.Is(cause, urpc.ErrClosed), errors.Is(cause, context.Canceled):
		d.err = ErrEnded
	default:
		d.err = fmt.Errorf("%w (%v)", ErrCorrupt, cause)
	}
	for id, answer := range d.waiting {
		answer <- requests.Answer{ID: id, Err: d.err}
		delete(d.waiting, id)
	}
}

// read takes what the core sends for as long as a request is open.
func (d *Desk) read(over chan<- struct{}) {
	defer close(over)
	var m urpc.Message
	for {
		err := d.receiver.Recv(d.ctx, &m)
		d.pace.quiet = 0
		if more := d.received(&m, err); !more {
			return
		}
	}
}

func (d *Desk) received(m *urpc.Message, err error) (more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var a requests.Answer
	done := false
	if err == nil {
		a, done, err = d.client.Receive(m)
	}
	if err != nil {
		d.fail(err)
	}
	if answer := d.waiting[a.ID]; done && answer != nil {
		answer <- a
		delete(d.waiting, a.ID)
	}
	d.reading = d.err == nil && d.client.Open() > 0
	if !d.reading {
		d.receiver.Ack()
	}
	return d.reading
}

// Close is for when the core does not run any more. It takes what had been answered, ends
// all other requests, and returns once nothing of the desk touches the shared region.
func (d *Desk) Close() {
	d.stop()
	d.mu.Lock()
	over := d.over
	d.mu.Unlock()
	if over != nil {
		<-over // it takes what is there before it looks at the context
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.fail(context.Canceled)
	}
}
