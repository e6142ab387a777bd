package guest

import (
	"context"
	"fmt"

	"barreleye/guest/frames"
	"barreleye/guest/monitor"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
	"barreleye/urpc"
)

// A capability is a name for memory or for a listener, and says what may be done with it. Cores take memory
// of the region that they share, cut it, give each other capabilities to parts, and revoke
// those. The monitors agree on whatever several cores know of (docs/reference/caps.md);
// the rest asks nobody. What a core has it has until its life ends, however that ends.

// Errors of capabilities, beside the context's.
var (
	// ErrCapGone: the capability was deleted, moved, or revoked, or its sender died before
	// it was received.
	ErrCapGone = caps.ErrGone
	// ErrMemory: there is no such piece of shared memory that no program uses.
	ErrMemory = ledger.ErrMemory
	// ErrPrivate: only what lies in shared memory can be sent.
	ErrPrivate = monitor.ErrPrivate
	// ErrDivided: something was cut from what is to be sent.
	ErrDivided = monitor.ErrDivided
)

// Cap is a capability of this core. The zero Cap names nothing. A Cap is a value: copies of
// it are the same capability, Copy makes another one.
type Cap struct{ ref caps.Ref }

// CapInfo is what a capability names, and its rights.
type CapInfo = caps.Cap

// AllocRAM returns a capability to shared memory that nobody else has. size is a multiple of
// 4 KiB, at an address that is one of 2 MiB where it is as large. The memory holds what was
// in it before. Up to 64 KiB mostly comes from a cache of this core, without a message; all else
// the cores agree on. ErrMemory: no core has as much in one piece that its program does not use.
func AllocRAM(ctx context.Context, size uint64) (Cap, error) {
	if core == nil {
		return Cap{}, errNoCaps
	}
	r, err := core.TakeRAM(ctx, size)
	return Cap{r}, capped("allocate", err)
}

var errNoCaps = fmt.Errorf("capabilities: %w", errLinux)

func capped(do string, err error) error {
	if err != nil {
		err = fmt.Errorf("core %d: %s: %w", Core(), do, err)
	}
	return err
}

// Info returns what the capability names.
func (c Cap) Info() (CapInfo, error) {
	if core == nil {
		return CapInfo{}, errNoCaps
	}
	_, got, err := core.Cap(c.ref)
	return got, capped("info", err)
}

// Retype cuts count objects of a type, each of the given size, out of what the capability
// names, from offset on, in bytes. It takes the right to derive.
func (c Cap) Retype(ctx context.Context, to caps.Type, offset, size uint64, count int) ([]Cap, error) {
	if core == nil {
		return nil, errNoCaps
	}
	refs, err := core.Retype(ctx, c.ref, to, offset, size, count)
	list := make([]Cap, len(refs))
	for i, r := range refs {
		list[i] = Cap{r}
	}
	return list, capped("retype", err)
}

// Copy returns another capability to the same, Mint one with those of its rights that are
// in keep.
func (c Cap) Copy() (Cap, error) { return c.Mint(caps.All) }

// Mint returns another capability to the same, with those of its rights that are in keep.
func (c Cap) Mint(keep caps.Rights) (Cap, error) {
	if core == nil {
		return Cap{}, errNoCaps
	}
	r, err := core.Mint(c.ref, keep)
	return Cap{r}, capped("mint", err)
}

// Revoke removes all other capabilities to the same, and all to what was cut from it, on
// all cores. When it returns nobody has any of it mapped but by this capability. It takes
// the right to derive.
func (c Cap) Revoke(ctx context.Context) error {
	if core == nil {
		return errNoCaps
	}
	err := core.Revoke(ctx, c.ref)
	sweep()
	return capped("revoke", err)
}

// Delete removes the capability. Memory is free again with the last one, of any core, to it
// and to what was cut from it.
func (c Cap) Delete(ctx context.Context) error {
	if core == nil {
		return errNoCaps
	}
	mapped.ForgetRef(c.ref, frames.Why{Reason: frames.Deleted, By: -1})
	return capped("delete", core.Delete(ctx, c.ref))
}

// Send gives whoever calls ReceiveCap on another core a capability to the same, with rights
// that this one has, among them the one to grant. It waits until that core takes part
// in capabilities: has called ReceiveCap, RecvCap or AllocRAM.
func (c Cap) Send(ctx context.Context, to int, rights caps.Rights) error {
	if core == nil {
		return errNoCaps
	}
	return capped("send", core.Send(ctx, c.ref, to, rights))
}

// Move is as Send, but this core keeps no capability to the same.
func (c Cap) Move(ctx context.Context, to int, rights caps.Rights) error {
	if core == nil {
		return errNoCaps
	}
	object, _, err := core.Cap(c.ref)
	if err == nil {
		defer mapped.Expect(object, frames.Moved)()
		err = core.Move(ctx, c.ref, to, rights)
	}
	return capped("move", err)
}

// ReceiveCap returns the next capability that another core has sent to this one, and that
// core.
func ReceiveCap(ctx context.Context) (c Cap, from int, err error) {
	if core == nil {
		return c, 0, errNoCaps
	}
	a, err := core.Receive(ctx)
	return Cap{a.Ref}, a.From, capped("receive", err)
}

// Endpoint returns a capability to dial the listener, with all rights: whoever gets it opens
// channels by DialCap, without the service's name. Revoke keeps them out again, but for
// channels that are open. Each call makes another one. It ends with the listener, and with this
// core's life; what others have of it then they can only delete.
func (l *Listener) Endpoint(ctx context.Context) (Cap, error) {
	r, err := core.Endpoint(ctx, l.Listener)
	return Cap{r}, capped("endpoint", err)
}

// DialCap opens a channel to the listener of an endpoint on another core. Its errors are those
// of Dial, caps.ErrType, and ErrCapGone: it was deleted, moved or revoked. ChannelOptions.Wait
// has no meaning.
func DialCap(ctx context.Context, endpoint Cap, opt ChannelOptions) (*Conn, error) {
	if core == nil {
		return nil, errNoCaps
	}
	peer, service, err := core.AtEndpoint(endpoint.ref)
	if err != nil {
		return nil, capped("channel to an endpoint", err)
	}
	opt.Wait = false // who waits would not hear that it is revoked
	return Dial(ctx, peer, service, opt)
}

// TypeCap is the type of the message that announces a capability on a channel.
const TypeCap = 0x4341

// SendCap gives the other end of the channel a capability to the same as c, which it gets by
// RecvCap. It waits as Cap.Send does.
func (c *Conn) SendCap(ctx context.Context, send Cap, rights caps.Rights) error {
	tag, err := core.SendOver(ctx, send.ref, c.id, rights)
	if err != nil {
		return capped("send over a channel", err)
	}
	return c.Send(ctx, &urpc.Message{Type: TypeCap, Len: 8, Words: [7]uint64{tag}})
}

// RecvCap receives a message, which has to be one that SendCap has sent, and returns the
// capability. ErrCapGone is the error where that was revoked, or its sender died. Who wants
// others too receives messages by Recv, and gives those of type TypeCap to AcceptCap.
func (c *Conn) RecvCap(ctx context.Context) (Cap, error) {
	if err := core.TakePart(ctx); err != nil {
		return Cap{}, capped("receive over a channel", err)
	}
	var m urpc.Message
	if err := c.Recv(ctx, &m); err != nil {
		return Cap{}, err
	}
	return c.AcceptCap(&m)
}

// AcceptCap returns the capability that a message of type TypeCap announced on the channel.
func (c *Conn) AcceptCap(m *urpc.Message) (Cap, error) {
	if m.Type != TypeCap || m.Len != 8 {
		return Cap{}, fmt.Errorf("core %d: a message of type %#x, %d bytes, where a capability is due: %w", Core(), m.Type, m.Len, urpc.ErrCorrupt)
	}
	r, err := core.Accept(c.id, m.Words[0])
	return Cap{r}, capped("receive over a channel", err)
}
