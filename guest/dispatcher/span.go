package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"barreleye/guest"
	"barreleye/urpc"
)

// How a domain spans: its home dials the other core for this service, over which the
// channel's messages say what to begin, whether it has, when to end it, and that it
// has ended. The channel lives as long as that part of the domain, and ends with either core.
const service = "barreleye/domains"

// span is a domain's part on another core, as its home sees it.
type span struct {
	conn *guest.Conn
	ctx  context.Context // of home: ends when the part is to end
	stop context.CancelFunc
}

// Span has the domain go on on a further core, with the same share and priority
// there: a dispatcher begins on it, with the program that its image defines under the
// domain's name. Span returns when that has returned. Only the core on which a domain
// was started spans it. Errors are ErrRunning, those of Start and guest.Dial, an error
// of the program as text, and the context's, with which the part may have begun or not.
//
// A core that has not started, is gone, or ends meanwhile is a guest.GoneError;
// guest.WaitPeer with its Life waits for the next life, to which the domain may span. A
// core whose program has not come to Define yet is waited for.
//
// If the part ends later, the dispatcher here is upcalled for a fault with that core.
func (m *Domain) Span(ctx context.Context, core int) error {
	if err := m.span(ctx, core); err != nil {
		return fmt.Errorf("domain %q: span to core %d: %w", m.name, core, err)
	}
	return nil
}

func (m *Domain) span(ctx context.Context, core int) error {
	if m.home != guest.Core() {
		return fmt.Errorf("%w: ask its home, core %d", ErrDomain, m.home)
	}
	s := &span{}
	var life uint64 // before the dial, so that what is reported as gone is
	if lives := guest.Lives().Lives; core >= 0 && core < len(lives) {
		life = lives[core]
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	m.mu.Lock()
	taken, leaving := m.spans[core] != nil || core == m.home, m.leaving
	if !taken && !leaving {
		m.spans[core] = s
		m.parts.Add(1)
	}
	m.mu.Unlock()
	switch {
	case leaving:
		return ErrEnded
	case taken:
		return ErrRunning
	}
	if err := s.begin(ctx, core, m); err != nil {
		m.forget(core, s)
		var gone *guest.GoneError
		if !errors.As(err, &gone) && (errors.Is(err, urpc.ErrClosed) || errors.Is(err, guest.ErrGone)) {
			err = &guest.GoneError{Core: core, Life: life} // it ended meanwhile
		}
		return err
	}
	go s.watch(core, m)
	return nil
}

func (m *Domain) forget(core int, s *span) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.spans, core)
	s.stop()
	m.parts.Done()
}

// Cores returns the cores that the domain runs on, as its home knows; elsewhere it is
// this core alone.
func (m *Domain) Cores() []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	cores := append(slices.Collect(maps.Keys(m.spans)), guest.Core())
	slices.Sort(cores)
	return cores
}

// begin asks the other core.
func (s *span) begin(ctx context.Context, core int, m *Domain) (err error) {
	if s.conn, err = guest.Dial(ctx, core, service, guest.ChannelOptions{Lines: 16, Wait: true}); err != nil {
		return err
	}
	request := beginMessage(m)
	var answer urpc.Message
	if err = s.conn.Send(ctx, &request); err == nil {
		err = s.conn.Recv(ctx, &answer)
	}
	if err == nil {
		err = errorOf(&answer)
	}
	if err != nil {
		end := urpc.Message{Type: typeEnd}
		_ = s.conn.TrySend(&end) // there is room; a part that began nevertheless ends
		s.conn.Close()
	}
	return err
}

// watch waits for the part's end, and has it end where it is to.
func (s *span) watch(core int, m *Domain) {
	var got urpc.Message
	err := s.conn.Recv(s.ctx, &got)
	if s.ctx.Err() != nil && err != nil {
		end := urpc.Message{Type: typeEnd}
		if err = s.conn.Send(context.Background(), &end); err == nil {
			err = s.conn.Recv(context.Background(), &got)
		}
	}
	s.conn.Close()
	m.forget(core, s)
	switch {
	case err == nil && got.Words[0] == codeOK:
		return // it was stopped
	case err == nil:
		err = errorOf(&got)
	}
	f := &Fault{Core: core, Domain: m.name, Err: fmt.Errorf("%w: %w", ErrEnded, err)}
	m.d.Post(func() { m.d.report(f) })
}

// listen has other cores' requests served; with mu held.
func listen() {
	if listening || !guest.Running() {
		return
	}
	listening = true
	l, err := guest.Listen(service)
	if err != nil {
		fmt.Fprintf(os.Stderr, "dispatcher: core %d: no domains of other cores: %v\n", guest.Core(), err)
		return
	}
	go func() {
		for {
			conn, err := l.Accept(context.Background())
			if err != nil {
				return // the core is ending
			}
			go serve(conn)
		}
	}()
}

var listening bool // guarded by mu

// serve makes the part of a domain that a peer asks for, and sees it through.
func serve(conn *guest.Conn) {
	defer conn.Close()
	var got urpc.Message
	if conn.Recv(context.Background(), &got) != nil {
		return
	}
	m, err := beginFrom(conn.Peer(), &got)
	answer := messageOf(typeBegun, err)
	if conn.Send(context.Background(), &answer) != nil || err != nil {
		if err == nil {
			m.Stop()
		}
		return
	}
	ctx, over := context.WithCancel(context.Background())
	go func() {
		<-m.d.done
		over()
	}()
	err = conn.Recv(ctx, &got) // an end, or home's
	if err != nil && ctx.Err() == nil {
		f := &Fault{Core: conn.Peer(), Domain: m.name, Err: fmt.Errorf("%w: home: %w", ErrEnded, err)}
		m.d.Post(func() { m.d.report(f) })
		<-m.d.done
		return
	}
	m.Stop()
	<-m.d.done
	answer = messageOf(typeEnd, m.d.err)
	// Where home is gone nobody wants to know.
	_ = conn.Send(context.Background(), &answer)
}

// beginFrom begins what a message asks for.
func beginFrom(home int, got *urpc.Message) (*Domain, error) {
	name, o, err := requestOf(got)
	if err == nil {
		o, err = o.check()
	}
	if err != nil {
		return nil, err
	}
	return begin(name, home, o)
}

// service is what parts of the domain listen for, and dial: see Listen and Dial.
func (m *Domain) service() string { return "domain/" + m.name }

// Dial opens a channel to the domain's part on another core, as guest.Dial does; it
// waits until that listens. For goroutines: an upcall that waits holds up the dispatcher.
func (m *Domain) Dial(ctx context.Context, core int, o guest.ChannelOptions) (*guest.Conn, error) {
	o.Wait = true
	return guest.Dial(ctx, core, m.service(), o)
}

// Listen has channels that other parts of the domain dial given to f, each by an
// upcall, which may Attach it.
func (d *Dispatcher) Listen(f func(c *guest.Conn)) error {
	l, err := guest.Listen(d.domain.service())
	if err != nil {
		return err
	}
	go func() {
		<-d.done
		l.Close()
	}()
	go func() {
		for {
			c, err := l.Accept(context.Background())
			if err != nil {
				return // closed
			}
			if !d.Post(func() { f(c) }) {
				c.Close()
			}
		}
	}()
	return nil
}
