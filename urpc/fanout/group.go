package fanout

import (
	"context"
	"errors"
	"slices"

	"barreleye/urpc"
)

// Group is the asking end of a fan-out. One goroutine at a time.
type Group struct {
	form    form
	members []int
	started uint64 // operations that went out
	ended   uint64 // operations of which the outcome is known
	givenUp uint64 // so many of those under way, the oldest, nobody waits for
	lost    []int  // named by operations that nobody waited for
}

// form is what the three forms differ in.
type form interface {
	// start sends operation op to the members and wakes them.
	start(ctx context.Context, op uint64, m *urpc.Message) error
	// finish waits for operation op, the oldest under way. After an error (the
	// context's) it is called again.
	finish(ctx context.Context, op uint64) (outcome, error)
	// end tells the members that nothing follows.
	end(ctx context.Context) error
}

// outcome is how an operation ended.
type outcome struct {
	message urpc.Message
	lost    []int
	err     error // why, if this core saw it
}

// Dial returns this core's end of its channel with a core.
type Dial func(core int) (*urpc.Conn, error)

// Members returns the cores that have not been named as lost.
func (g *Group) Members() []int { return slices.Clone(g.members) }

// Do sends m to all members and replaces it by the fold of their answers. A
// *LostError says that m is the answer of the others; without any others, m is
// zero. When the context ends the operation is given up: it goes on, still
// counts against Window, and its answer will be dropped. Other errors are those
// of Start.
func (g *Group) Do(ctx context.Context, m *urpc.Message) error {
	if g.started-g.ended != g.givenUp {
		return ErrWindow // Finish would return the answer to another message
	}
	if err := g.Start(ctx, m); err != nil {
		return err
	}
	return g.Finish(ctx, m)
}

// Start sends m to all members; Finish returns the answer. Up to Window operations
// may be under way, else it returns ErrWindow, or waits for those that were given
// up. It fails with ErrPayload above MaxPayload bytes, with urpc.ErrMessage for a
// reserved type, and as its context; then nothing was sent.
func (g *Group) Start(ctx context.Context, m *urpc.Message) error {
	switch {
	case m.Len > MaxPayload:
		return ErrPayload
	case m.Type >= urpc.TypeReserved:
		return urpc.ErrMessage
	}
	for g.started-g.ended == Window {
		if g.givenUp == 0 {
			return ErrWindow
		}
		if _, err := g.next(ctx); err != nil {
			return err
		}
	}
	if err := g.form.start(ctx, g.started, m); err != nil {
		return err
	}
	g.started++
	return nil
}

// Finish waits for the oldest operation under way and puts the fold of its answers
// into m. Errors are a *LostError, the context's (the operation is given up), and
// ErrWindow if none is under way.
func (g *Group) Finish(ctx context.Context, m *urpc.Message) error {
	for {
		if g.started-g.ended == g.givenUp {
			return ErrWindow
		}
		wanted := g.givenUp == 0
		o, err := g.next(ctx)
		if err != nil {
			g.givenUp++
			return err
		}
		if !wanted {
			continue
		}
		*m = o.message
		if len(g.lost) == 0 {
			return nil
		}
		slices.Sort(g.lost)
		lost := &LostError{Cores: g.lost, Err: o.err}
		g.lost = nil
		return lost
	}
}

// Close ends the members' Serve with ErrEnded; call it when no operation is under
// way. The channels stay open. It fails as its context.
func (g *Group) Close(ctx context.Context) error { return g.form.end(ctx) }

// next waits for the oldest operation, whether it is wanted or not.
func (g *Group) next(ctx context.Context) (outcome, error) {
	o, err := g.form.finish(ctx, g.ended)
	if err != nil {
		return o, err
	}
	g.ended++
	if g.givenUp > 0 {
		g.givenUp--
	}
	if len(o.lost) > 0 {
		g.lost = append(g.lost, o.lost...)
		g.members = slices.DeleteFunc(g.members, func(c int) bool { return slices.Contains(o.lost, c) })
	}
	return o, nil
}

// isGone reports whether a channel's error ends the channel, and not the wait.
func isGone(err error) bool {
	return errors.Is(err, urpc.ErrClosed) || errors.Is(err, urpc.ErrCorrupt)
}

func newGroup(f form, members []int) *Group { return &Group{form: f, members: slices.Clone(members)} }
