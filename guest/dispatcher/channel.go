package dispatcher

import (
	"errors"
	"fmt"

	"barreleye/urpc"
)

// maxChannels is how many channels a dispatcher waits for at a time.
const maxChannels = 256

// turnMessages is how many messages of a channel are taken before other upcalls have
// their turn.
const turnMessages = 64

// Channel is an end of a channel to another core: guest.Conn, urpc.Conn and
// urpc.Receiver are.
type Channel interface {
	TryRecv(m *urpc.Message) error
	Arm() (p urpc.Parking, ready bool)
}

// attached is a channel that the dispatcher receives from.
type attached struct {
	ch      Channel
	message func(m *urpc.Message)
	ended   func(err error)
	queued  bool
}

// channels are those of a dispatcher.
type channels struct {
	at    []*attached // by place
	ready []int       // places to look at
	again []int       // memory for ready's next
	got   urpc.Message
}

// Attach has the dispatcher receive from a channel: each message is an upcall. The
// message is good until it returns. When the channel has ended, ended is called with what
// TryRecv returned, if it is not nil. Errors are ErrRoom, and those of watching memory.
func (d *Dispatcher) Attach(ch Channel, message func(m *urpc.Message), ended func(err error)) error {
	c := &d.channels
	place := 0
	for place < len(c.at) && c.at[place] != nil {
		place++
	}
	if place == maxChannels {
		return fmt.Errorf("domain %q: attach a channel: %w: a dispatcher waits for %d channels", d.domain.name, ErrRoom, maxChannels)
	}
	if place == len(c.at) {
		c.at = append(c.at, nil)
	}
	c.at[place] = &attached{ch: ch, message: message, ended: ended}
	c.look(place)
	d.port.kick()
	return nil
}

// Detach ends what Attach began.
func (d *Dispatcher) Detach(ch Channel) {
	for place, a := range d.channels.at {
		if a != nil && a.ch == ch {
			d.channels.at[place] = nil
			d.port.unwatch(place)
		}
	}
}

// look has a place looked at.
func (c *channels) look(place int) {
	if a := c.at[place]; a != nil && !a.queued {
		a.queued = true
		c.ready = append(c.ready, place)
	}
}

// run takes what has arrived.
func (c *channels) run(d *Dispatcher) {
	for _, place := range d.port.changed() {
		c.look(int(place))
	}
	places := c.ready
	c.ready, c.again = c.again[:0], places
	for _, place := range places {
		if a := c.at[place]; a != nil {
			a.queued = false
			c.take(d, place, a)
		}
	}
	if len(c.ready) > 0 {
		d.port.kick()
	}
}

// take takes messages of one channel, and has it watched once it is empty.
func (c *channels) take(d *Dispatcher, place int, a *attached) {
	for range turnMessages {
		err := a.ch.TryRecv(&c.got)
		switch {
		case err == nil:
			d.protect(func() { a.message(&c.got) })
			if c.at[place] != a {
				return // detached meanwhile
			}
		case errors.Is(err, urpc.ErrEmpty):
			p, ready := a.ch.Arm()
			if ready {
				continue
			}
			if err = d.port.watch(place, p); err == nil {
				return
			}
			fallthrough
		default:
			c.at[place] = nil
			if a.ended != nil {
				d.protect(func() { a.ended(err) })
			}
			return
		}
	}
	c.look(place)
}

// close ends the waits for all channels.
func (c *channels) close() { c.at, c.ready = nil, nil }
