package rpc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Methods of the tests' service.
const (
	echo   uint16 = iota // returns its arguments
	add                  // adds two numbers
	fail                 // returns the error with a code and a text
	wait                 // concurrent: until released, or its context ends
	worker               // echo, concurrent
	large                // returns as many bytes as it is told
)

// tester is a service that does what the tests need.
type tester struct {
	started  chan uint64 // wait was called with that number
	release  chan uint64
	finished chan error // how the context of wait ended
	served   sync.Map   // numbers for which echo ran
}

func newTester() *tester {
	return &tester{started: make(chan uint64, 100), release: make(chan uint64, 100), finished: make(chan error, 100)}
}

func (s *tester) Methods() []Method {
	return []Method{{"echo", echo, false}, {"add", add, false}, {"fail", fail, false},
		{"wait", wait, true}, {"worker", worker, true}, {"large", large, false}}
}

var errTest = &Error{CodeProgram + 7, "the test's own"}

func (s *tester) Serve(ctx context.Context, method uint16, args, out []byte) ([]byte, error) {
	switch method {
	case echo, worker:
		return append(out, args...), nil
	case add:
		if len(args) != 16 {
			return nil, ErrDecode
		}
		return binary.LittleEndian.AppendUint64(out, binary.LittleEndian.Uint64(args)+binary.LittleEndian.Uint64(args[8:])), nil
	case fail:
		if len(args) == 0 {
			return nil, fmt.Errorf("in method: %w", errTest)
		}
		return nil, errors.New(string(args))
	case wait:
		s.started <- binary.LittleEndian.Uint64(args)
		select {
		case v := <-s.release:
			return binary.LittleEndian.AppendUint64(out, v), nil
		case <-ctx.Done():
			s.finished <- context.Cause(ctx)
			return nil, ctx.Err()
		}
	case large:
		return append(out, make([]byte, binary.LittleEndian.Uint64(args))...), nil
	}
	panic("no such method")
}

// serve makes the ends of ch and serves at both; they end with tb.
func serve(tb testing.TB, a, b Channel, cfg Config) (*Conn, *Conn) {
	cfg.Services = []Service{newTester()}
	return serveWith(tb, a, b, cfg, cfg)
}

func serveWith(tb testing.TB, a, b Channel, acfg, bcfg Config) (*Conn, *Conn) {
	near, far := must(New(a, acfg)), must(New(b, bcfg))
	var done sync.WaitGroup
	for _, c := range []*Conn{near, far} {
		if c.served != nil {
			done.Go(func() { c.Serve(context.Background()) })
		}
	}
	tb.Cleanup(func() {
		near.Close()
		far.Close()
		done.Wait()
	})
	return near, far
}

// call does a call with bytes as arguments.
func call(ctx context.Context, c *Conn, method uint16, args []byte) ([]byte, error) {
	k, err := c.Begin(ctx)
	if err != nil {
		return nil, err
	}
	b, err := k.Do(ctx, method, append(k.Buffer(), args...))
	if err != nil {
		return nil, err
	}
	result := append([]byte{}, b...)
	k.End()
	return result, nil
}

func number(v ...uint64) (b []byte) {
	for _, v := range v {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// within ends tests that hang.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}
