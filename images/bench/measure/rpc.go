package measure

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"barreleye/urpc"
	"barreleye/urpc/limit"
	"barreleye/urpc/rpc"
)

// Methods of the service that side 1 has.
const (
	methodTake  = iota // checks its arguments and returns their first word
	methodPause        // ends the round: Serve returns
)

// payloads are the sizes of a sweep, in bytes; most is the largest.
var payloads = []int{8, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, most}

const most = 1 << 20

// taker is the service.
type taker struct{ pause context.CancelFunc }

func (*taker) Methods() []rpc.Method {
	return []rpc.Method{{Name: "Take", Number: methodTake}, {Name: "Pause", Number: methodPause}}
}

// Serve wants the last eight bytes of what it takes to be the first ones, turned
// over.
func (t *taker) Serve(_ context.Context, method uint16, args, out []byte) ([]byte, error) {
	if method == methodPause {
		t.pause()
		return out, nil
	}
	first, last := binary.LittleEndian.Uint64(args), binary.LittleEndian.Uint64(args[len(args)-8:])
	if len(args) > 8 && last != ^first {
		return out, fmt.Errorf("bench: %d bytes begin with %x and end with %x: report it", len(args), first, last)
	}
	return binary.LittleEndian.AppendUint64(out, first), nil
}

// caller is what either side has of the Conn for calls.
type caller struct {
	*Side
	conn *rpc.Conn
	taker
	args []byte
}

func (s *Side) caller() *caller {
	c := &caller{Side: s, args: make([]byte, most)}
	cfg := rpc.Config{MaxBytes: most}
	if s.Me == 1 {
		cfg.Services = []rpc.Service{&c.taker}
	}
	var err error
	c.conn, err = rpc.New(s.Conn, cfg)
	must(err)
	return c
}

// serve answers until the other side asks to pause.
func (c *caller) serve() {
	ctx, pause := context.WithCancel(context.Background())
	c.pause = pause
	if err := c.conn.Serve(ctx); err != context.Canceled {
		must(err)
	}
	c.Conn.Flush() // the last answer's reader may have gone to sleep
}

// call does one call with args, whose first word it checks the answer by.
func (c *caller) call(method uint16, args []byte) {
	ctx := context.Background()
	k, err := c.conn.Begin(ctx)
	must(err)
	out, err := k.Do(ctx, method, append(k.Buffer(), args...))
	must(err)
	if method == methodTake && (len(out) != 8 || string(out) != string(args[:8])) {
		panic(fmt.Sprintf("answer to %d bytes reads %x, want %x", len(args), out, args[:8]))
	}
	k.End()
}

// pauseAfter ends the measured part of a round on side 0, and then the round.
func (c *caller) pauseAfter() {
	c.ended = c.Clock()
	c.call(methodPause, nil)
}

// calls does n calls with payload bytes, one after the other.
func (c *caller) calls(payload int) func(n uint64) {
	return func(n uint64) {
		if c.Me == 1 {
			c.serve()
			return
		}
		args := c.args[:payload]
		for i := range n {
			binary.LittleEndian.PutUint64(args[payload-8:], ^i)
			binary.LittleEndian.PutUint64(args, i)
			c.call(methodTake, args)
		}
		c.pauseAfter()
	}
}

// Payload measures how long it takes to hand over 8 bytes to 1 MiB and to know
// that they are there: in one line of a ring, by a call of package rpc, which cuts
// what is above a line into many, each beside the least: a line each way, or a
// stream of as many lines and one back.
func (s *Side) Payload(rounds int) {
	for _, payload := range []int{8, 24, 40, 56} {
		s.turns(rounds, pattern{Series: series("payload", Batch, "two_line", "payload", payload, "path", "line"),
			ours: s.roundTrip(payload), limit: s.rawRing})
	}
	c := s.caller()
	for _, payload := range payloads {
		n := max(min(Batch, most/payload), 4)
		p := pattern{Series: series("payload", n, "two_line", "payload", payload, "path", "rpc"), ours: c.calls(payload), limit: s.rawRing}
		if payload > urpc.MaxPayload {
			p.LimitOf, p.limit = "stream_mov", s.rawMove(payload/urpc.LineSize)
		}
		s.turns(rounds, p)
	}
}

// rawMove writes as many lines for each message, and waits until they are read.
func (s *Side) rawMove(lines int) func(n uint64) {
	return func(n uint64) {
		ack := &s.Lines[24].Words[0]
		for range n {
			if s.Me == 0 {
				limit.StreamWrite(&s.Ring[0], uint64(len(s.Ring)), ack, s.raw+1, uint64(lines))
				for atomic.LoadUint64(ack) != s.raw+uint64(lines) {
					urpc.Pause()
				}
			} else {
				limit.StreamRead(&s.Ring[0], uint64(len(s.Ring)), ack, s.raw+1, uint64(lines))
			}
			s.raw += uint64(lines)
		}
	}
}

// Calls measures calls of one line by package rpc with 1 to 64 under way, each
// by a goroutine of its own.
func (s *Side) Calls(rounds int) {
	c := s.caller()
	for n := 1; n <= 64; n *= 2 {
		p := pattern{Series: series("rpc_inflight", Batch, "", "inflight", n), ours: c.together(n)}
		if n == 1 {
			p.LimitOf, p.limit = "two_line", s.rawRing
		}
		s.turns(rounds, p)
	}
}

// together does n calls by so many goroutines.
func (c *caller) together(goroutines int) func(n uint64) {
	return func(n uint64) {
		if c.Me == 1 {
			c.serve()
			return
		}
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				var args [16]byte
				for i := uint64(g); i < n; i += uint64(goroutines) {
					binary.LittleEndian.PutUint64(args[:], i)
					binary.LittleEndian.PutUint64(args[8:], ^i)
					c.call(methodTake, args[:])
				}
			})
		}
		all.Wait()
		c.pauseAfter()
	}
}

// Local measures calls of package rpc that stay on their core.
func Local(rounds int, clock func() uint64, nanoseconds func(uint64) float64) (*Series, error) {
	conn, err := rpc.Local(rpc.Config{Services: []rpc.Service{&taker{}}})
	if err != nil {
		return nil, err
	}
	c := &caller{Side: &Side{Clock: clock, Nanoseconds: nanoseconds}, conn: conn}
	out := series("rpc_same_core", Batch, "", "payload", 16)
	var args [16]byte
	for range rounds {
		start := clock()
		for i := range uint64(Batch) {
			binary.LittleEndian.PutUint64(args[:], i)
			binary.LittleEndian.PutUint64(args[8:], ^i)
			c.call(methodTake, args[:])
		}
		out.Samples = append(out.Samples, nanoseconds(clock()-start)/Batch)
	}
	return out, nil
}
