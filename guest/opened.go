package guest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"barreleye/devices/region"
	"barreleye/guest/monitor"
	"barreleye/guest/monitor/bind"
	"barreleye/urpc"
)

// Errors of Dial, Listen and Accept, beside ErrPeer and the context's.
var (
	// ErrService: nobody at that core listens for the service. ChannelOptions.Wait
	// waits until somebody does.
	ErrService = bind.ErrService
	// ErrProfile: whoever listens for the service wants channels of the other
	// profile.
	ErrProfile = bind.ErrProfile
	// ErrRoom: there is no room left for channels between the two cores.
	ErrRoom = bind.ErrRoom
	// ErrGone: the other core's life has ended.
	ErrGone = bind.ErrGone
	// ErrStopping: the other core was asked to end (Stopping).
	ErrStopping = bind.ErrStopping
	// ErrListening: this core listens for the service already.
	ErrListening = bind.ErrListening
	// ErrRequest: the lines or the name are impossible.
	ErrRequest = bind.ErrRequest
	// ErrListener: the listener was closed.
	ErrListener = monitor.ErrListener
)

// defaultLines is the length of the rings of a channel that asks for none.
const defaultLines = 64

// ChannelOptions says what channel to open. The zero value is 64 lines each way.
type ChannelOptions struct {
	// Lines of the ring to the peer: a power of two from 16 to 16384, 0 for 64.
	// A long one holds more, a short one stays in the nearest cache.
	Lines int
	// PeerLines of the ring from the peer, 0 for as many.
	PeerLines int
	// Wait for the service where nobody listens for it yet, until the context ends.
	Wait bool
}

// Conn is one end of a channel that Dial opened or Accept returned. It is used as
// any urpc.Conn is, by one goroutine at a time.
type Conn struct {
	*urpc.Conn
	opened
}

// BulkConn is the same for a channel of the bulk profile.
type BulkConn struct {
	*urpc.Bulk
	opened
}

// opened is what the monitor knows of a channel.
type opened struct {
	id     bind.ID
	peer   int
	closed *sync.Once
}

// Peer returns the core at the other end.
func (o *opened) Peer() int { return o.peer }

// release has the memory given back once the peer has closed too, or is dead.
func (o *opened) release() {
	o.closed.Do(func() {
		links.forget(o)
		core.Close(o.id)
	})
}

// Close closes this end. The peer gets every message sent before, then
// urpc.ErrClosed. Both ends must be closed, or the memory stays taken.
func (c *Conn) Close() {
	c.Conn.Close()
	c.release()
}

// Close closes this end, as Conn.Close does.
func (c *BulkConn) Close() {
	c.Bulk.Close()
	c.release()
}

// Dial opens a channel to whoever listens for a service at a peer. It returns when
// the peer's monitor has answered; the peer's program need not have accepted it yet.
func Dial(ctx context.Context, peer int, service string, opt ChannelOptions) (*Conn, error) {
	o, err := dial(ctx, peer, service, region.ProfileLatency, opt)
	if err != nil {
		return nil, err
	}
	return links.newConn(ctx, o)
}

// DialBulk opens a channel of the bulk profile, to whoever listens by ListenBulk.
func DialBulk(ctx context.Context, peer int, service string, opt ChannelOptions) (*BulkConn, error) {
	o, err := dial(ctx, peer, service, region.ProfileBulk, opt)
	if err != nil {
		return nil, err
	}
	return links.newBulk(ctx, o)
}

func dial(ctx context.Context, peer int, service string, profile int, opt ChannelOptions) (monitor.Opened, error) {
	if _, err := links.lifeOf(peer); err != nil {
		return monitor.Opened{}, err
	}
	if opt.Lines == 0 {
		opt.Lines = defaultLines
	}
	if opt.PeerLines == 0 {
		opt.PeerLines = opt.Lines
	}
	o, err := core.Dial(ctx, peer, bind.Request{
		Service: service, Lines: opt.Lines, PeerLines: opt.PeerLines, Profile: profile, Wait: opt.Wait,
	})
	if err != nil {
		return o, fmt.Errorf("core %d: channel to core %d for %q: %w%s", Core(), peer, service, err, nextStep(err))
	}
	return o, nil
}

// nextStep says what to do about an error.
func nextStep(err error) string {
	for is, step := range map[error]string{
		ErrService: "call guest.Listen there first, or set ChannelOptions.Wait",
		ErrProfile: "use Dial with Listen, DialBulk with ListenBulk",
		ErrRoom:    "close channels that are no longer used, at both ends, or ask for fewer lines",
		ErrRequest: "use a name of 1 to 40 bytes, and a power of two from 16 to 16384 lines",
	} {
		if errors.Is(err, is) {
			return ": " + step
		}
	}
	return ""
}

// Listener gives the channels that peers open to a service of this core.
type Listener struct{ *monitor.Listener }

// BulkListener gives those of the bulk profile.
type BulkListener struct{ *monitor.Listener }

// Listen has channels to a service accepted from now on. The name is 1 to 40 bytes.
func Listen(service string) (*Listener, error) {
	l, err := listen(service, region.ProfileLatency)
	return &Listener{l}, err
}

// ListenBulk does the same for channels of the bulk profile.
func ListenBulk(service string) (*BulkListener, error) {
	l, err := listen(service, region.ProfileBulk)
	return &BulkListener{l}, err
}

func listen(service string, profile int) (*monitor.Listener, error) {
	if core == nil {
		return nil, fmt.Errorf("listen for %q: a test on Linux has no peers: %w", service, errors.ErrUnsupported)
	}
	l, err := core.Listen(service, profile)
	if err != nil {
		return nil, fmt.Errorf("core %d: listen for %q: %w%s", Core(), service, err, nextStep(err))
	}
	return l, nil
}

// Accept returns the next channel, in the order in which they were dialed. Errors are
// ErrListener and the context's.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	for {
		o, err := l.Listener.Accept(ctx)
		if err != nil {
			return nil, err
		}
		c, err := links.newConn(ctx, o)
		if !errors.Is(err, ErrGone) {
			return c, err
		}
	}
}

// Accept returns the next channel, as Listener.Accept does.
func (l *BulkListener) Accept(ctx context.Context) (*BulkConn, error) {
	for {
		o, err := l.Listener.Accept(ctx)
		if err != nil {
			return nil, err
		}
		c, err := links.newBulk(ctx, o)
		if !errors.Is(err, ErrGone) {
			return c, err
		}
	}
}

// newConn makes the end of an open channel.
func (n *network) newConn(ctx context.Context, o monitor.Opened) (*Conn, error) {
	e, err := n.newEnd(ctx, o)
	if err != nil {
		return nil, err
	}
	return e.(*Conn), nil
}

func (n *network) newBulk(ctx context.Context, o monitor.Opened) (*BulkConn, error) {
	e, err := n.newEnd(ctx, o)
	if err != nil {
		return nil, err
	}
	return e.(*BulkConn), nil
}

// newEnd makes the end, of the profile that the channel has. It fails with a GoneError
// where the peer's life is over, but for an end that was kept (Close).
func (n *network) newEnd(ctx context.Context, o monitor.Opened) (detacher, error) {
	// The entry is in the directory; atomic stores fence. If the VMM has not said yet
	// that the peer is dead, it will look there after it has.
	word, burying := lifeWord(n.view, o.Peer), region.LifeWord(o.Life, region.OverBurying)
	for atomic.LoadUint64(word) == burying {
		if err := here.Sleeper().Sleep(ctx, word, burying); err != nil {
			core.Close(o.ID)
			return nil, err
		}
	}
	n.mu.Lock()
	e, err := n.end(o)
	n.mu.Unlock()
	if err != nil {
		core.Close(o.ID)
	}
	return e, err
}

// end makes the end, or finds one that was kept. mu is held.
func (n *network) end(o monitor.Opened) (detacher, error) {
	if e := n.kept[o.ID]; e != nil {
		delete(n.kept, o.ID)
		return e, nil
	}
	p := &n.peers[o.Peer]
	gone := &GoneError{Core: o.Peer, Life: o.Life}
	if p.life != o.Life {
		return nil, gone
	}
	own, peer, err := n.view.EntrySides(Core(), o.Peer, o.Entry)
	if err != nil {
		return nil, err
	}
	if life, over := n.view.LifeOf(o.Peer); (life != o.Life || over == region.OverBuried) && !peer.Ended() {
		return nil, gone // the VMM has not found the channel: its side would stay open for ever
	}
	link := p.link
	link.Epoch = o.Entry.Epoch
	opened := opened{id: o.ID, peer: o.Peer, closed: new(sync.Once)}
	if o.Entry.Profile == region.ProfileBulk {
		b, err := urpc.NewBulk(own, peer, link)
		if err != nil {
			return nil, err
		}
		p.opened[o.ID] = &BulkConn{b, opened}
	} else {
		c, err := urpc.NewConn(own, peer, link)
		if err != nil {
			return nil, err
		}
		p.opened[o.ID] = &Conn{c, opened}
	}
	return p.opened[o.ID], nil
}

// forget takes out an end that is closed.
func (n *network) forget(o *opened) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.peers[o.peer].opened, o.id)
}
