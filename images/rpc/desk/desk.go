// Package desk is the service of the image rpc, and its implementation.
package desk

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"barreleye/urpc/rpc"
)

//go:generate go run barreleye/urpc/stubgen -type Desk

// ErrRefused is the error that Refuse returns.
var ErrRefused = &rpc.Error{Code: rpc.CodeProgram, Text: "refused"}

// Desk is what each core offers the others.
//
//urpc:service
type Desk interface {
	// Sum is as small as a call can be.
	Sum(ctx context.Context, a, b uint64) (uint64, error)
	// Echo returns its argument.
	Echo(ctx context.Context, data []byte) ([]byte, error)
	// Refuse returns an error with a text that has the number.
	Refuse(ctx context.Context, number uint64) error
	// Wait returns when the caller gives up.
	//
	//urpc:concurrent
	Wait(ctx context.Context) error
	// Later is Sum, beside other calls.
	//
	//urpc:concurrent
	Later(ctx context.Context, a, b uint64) (uint64, error)
	// Leave says that the caller has no more calls.
	Leave(ctx context.Context) error
}

// Clerk is a Desk, for one peer.
type Clerk struct {
	Served func()        // called for each call but Wait and Leave
	Left   chan struct{} // closed when the peer has no more calls
	leave  sync.Once
	begun  atomic.Uint64
	ended  atomic.Uint64
}

// Waits are how many Waits began, and of how many the context ended.
func (c *Clerk) Waits() (begun, ended uint64) { return c.begun.Load(), c.ended.Load() }

// Sum implements Desk.
func (c *Clerk) Sum(_ context.Context, a, b uint64) (uint64, error) {
	c.Served()
	return a + b, nil
}

// Echo implements Desk.
func (c *Clerk) Echo(_ context.Context, data []byte) ([]byte, error) {
	c.Served()
	return data, nil
}

// Refuse implements Desk.
func (c *Clerk) Refuse(_ context.Context, number uint64) error {
	c.Served()
	return fmt.Errorf("request %d: %w", number, ErrRefused)
}

// Wait implements Desk.
func (c *Clerk) Wait(ctx context.Context) error {
	c.begun.Add(1)
	<-ctx.Done()
	c.ended.Add(1)
	return ctx.Err()
}

// Later implements Desk.
func (c *Clerk) Later(_ context.Context, a, b uint64) (uint64, error) {
	c.Served()
	return a + b, nil
}

// Leave implements Desk.
func (c *Clerk) Leave(context.Context) error {
	c.leave.Do(func() { close(c.Left) })
	return nil
}
