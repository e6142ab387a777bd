package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"barreleye/devices/region"
	"barreleye/guest"
	"barreleye/urpc"
)

// With -lives every core exchanges messages with every other one for as long as it lives,
// while cores die, drain and return. Each message is numbered and names both lives; it
// ends as delivered, when the peer has said so, or as undelivered, when the peer's life
// ended before. A core that is asked to end drains: nothing is left undelivered between two
// that live until they are done. Package churn looks whether what all of them say fits.

// Messages of that traffic. Word 0 is the number, word 1 the sender's core and life, word 2
// the receiver's life, word 3 a sum over them.
const (
	typeGreet = 10 + iota // the sender's life, before anything else
	typeData
	typeAck   // word 0: so many have been received
	typeDrain // word 0: so many were sent, and no more follow
)

// window is how many messages may be under way.
const window = 256

// lively are the counts of a core.
type lively struct {
	sent, delivered, undelivered, received atomic.Uint64
	calls, failedCalls                     atomic.Uint64
	channels, failedChannels               atomic.Uint64
	returns                                atomic.Uint64
}

// live is the program with -lives.
func live() {
	var l lively
	stop := guest.Stopping()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-stop
		cancel()
	}()
	listener, err := guest.Listen("lives")
	if err != nil {
		broken(err)
	}
	go l.accept(listener)
	if *dies {
		go die()
	}
	fmt.Println("soak: lives: ready")
	var wg sync.WaitGroup
	for peer := range guest.Lives().Lives {
		if peer == guest.Core() {
			continue
		}
		wg.Go(func() { l.follow(ctx, peer, l.talk) })
		wg.Go(func() { l.follow(ctx, peer, l.call) })
		wg.Go(func() { l.follow(ctx, peer, l.dial) })
		go l.follow(context.Background(), peer, l.serve) // to the end, so that others' calls end
	}
	wg.Wait()
	fmt.Printf("soak: lives: core %d life %d: sent %d delivered %d undelivered %d received %d calls %d failed %d channels %d failed %d peers' lives %d\n",
		guest.Core(), guest.Life(), l.sent.Load(), l.delivered.Load(), l.undelivered.Load(), l.received.Load(),
		l.calls.Load(), l.failedCalls.Load(), l.channels.Load(), l.failedChannels.Load(), l.returns.Load())
}

// die ends the core in some way after some time, unless it ends before: most lives do.
func die() {
	time.Sleep(time.Duration(rand.Int64N(int64(20 * time.Second))))
	ways := []func(){
		func() { os.Exit(9) },
		func() { panic("as planned") },
		func() { *(*int)(nil) = 1 },
	}
	way := rand.IntN(len(ways))
	fmt.Printf("soak: dies: core %d life %d, way %d\n", guest.Core(), guest.Life(), way)
	ways[way]()
}

// broken reports what must not be, and ends the core.
func broken(err error) {
	fmt.Fprintf(os.Stderr, "soak: FAILED: core %d life %d: %v\n", guest.Core(), guest.Life(), err)
	os.Exit(3)
}

// follow has do deal with one life of the peer after the other.
func (l *lively) follow(ctx context.Context, peer int, do func(ctx context.Context, peer int) error) {
	for life := uint64(0); ; {
		next, err := guest.WaitPeer(ctx, peer, life)
		if err != nil {
			return // this core drains
		}
		if next <= life {
			broken(fmt.Errorf("core %d is in life %d after %d", peer, next, life))
		}
		life = next
		err = do(ctx, peer)
		if err != nil && !errors.Is(err, guest.ErrGone) && !errors.Is(err, urpc.ErrClosed) {
			broken(fmt.Errorf("core %d, about life %d: %w", peer, life, err))
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// fits reports whether an error is one of those by which a peer's end is told.
func fits(err error) bool { return errors.Is(err, guest.ErrGone) || errors.Is(err, urpc.ErrClosed) }

// numbered makes a message of the traffic.
func numbered(kind uint16, number, life uint64) (m urpc.Message) {
	m.Type, m.Len = kind, 32
	m.Words[0], m.Words[1], m.Words[2] = number, uint64(guest.Core())<<32|guest.Life(), life
	m.Words[3] = (m.Words[0]*31+m.Words[1])*31 + m.Words[2] + uint64(kind)
	return m
}

// check reports a message that this peer has not sent to this life of ours.
func check(m *urpc.Message, peer int, life uint64) error {
	sum := (m.Words[0]*31+m.Words[1])*31 + m.Words[2] + uint64(m.Type)
	if m.Len != 32 || m.Words[3] != sum || m.Words[1] != uint64(peer)<<32|life || m.Words[2] != guest.Life() && m.Type != typeGreet {
		return fmt.Errorf("message of type %d reads %x, from life %d expected", m.Type, m.Words, life)
	}
	return nil
}

// talk is one life's traffic over the channel of a pair. Each end sends while fewer than
// window messages are under way, and takes what has come.
func (l *lively) talk(ctx context.Context, peer int) error {
	conn, err := guest.Channel(peer)
	if err != nil {
		return err
	}
	t := talk{l: l, conn: conn, peer: peer}
	err = t.run(ctx)
	undelivered := t.sent - t.acked
	l.sent.Add(t.sent)
	l.delivered.Add(t.acked)
	l.undelivered.Add(undelivered)
	l.received.Add(t.received)
	if t.life != 0 {
		l.returns.Add(1)
		// package churn reads it
		fmt.Printf("soak: talk: core %d life %d with core %d life %d: sent %d delivered %d undelivered %d received %d\n",
			guest.Core(), guest.Life(), peer, t.life, t.sent, t.acked, undelivered, t.received)
	}
	if lost := t.lost(err); lost != 0 {
		return fmt.Errorf("the last %d of the messages that it sent never came", lost)
	}
	return err
}

type talk struct {
	l    *lively
	conn *urpc.Conn
	peer int
	life uint64 // the peer's, once it has said so

	sent, acked    uint64
	received, told uint64 // told: by acknowledgements
	drained        bool   // this core has said that no more follow
	peerDrained    bool
	announced      uint64 // what the peer said it had sent
	taken          uint64 // messages of all types
}

// lost returns how many messages at the end of the peer's never came, although its life is
// over, so that all of them should have. That life counted them in its side of the channel,
// which is zero again before its core's next life begins.
func (t *talk) lost(err error) uint64 {
	if !errors.Is(err, urpc.ErrClosed) {
		return 0
	}
	side, err := guest.Region().OpenSide(region.ChannelProgram, t.peer, guest.Core())
	if err != nil {
		return 0
	}
	sent := atomic.LoadUint64(&side.Stats.Send.Messages)
	if life, _ := guest.Region().LifeOf(t.peer); life != t.life || sent <= t.taken {
		return 0
	}
	return sent - t.taken
}

func (t *talk) run(ctx context.Context) error {
	greet := numbered(typeGreet, 0, 0)
	if err := t.conn.Send(context.Background(), &greet); err != nil && !fits(err) {
		return err
	}
	for {
		if err := t.send(ctx); err != nil && !fits(err) {
			return err // else what came before the end is taken first
		}
		if t.drained && t.peerDrained && t.acked == t.sent && t.told == t.received && t.received == t.announced {
			t.conn.Flush()
			if ctx.Err() != nil {
				return nil
			}
		}
		t.conn.Flush()
		if err := t.take(ctx); err != nil {
			return err
		}
	}
}

// send sends what may be sent.
func (t *talk) send(ctx context.Context) error {
	put := func(m urpc.Message) (bool, error) {
		err := t.conn.TrySend(&m)
		if err == urpc.ErrFull {
			return false, nil
		}
		return err == nil, err
	}
	if t.received != t.told {
		if ok, err := put(numbered(typeAck, t.received, t.life)); !ok {
			return err
		}
		t.told = t.received
	}
	if t.life == 0 {
		return nil
	}
	ending := ctx.Err() != nil || t.peerDrained
	for !ending && t.sent-t.acked < window {
		if ok, err := put(numbered(typeData, t.sent, t.life)); !ok {
			return err
		}
		t.sent++
	}
	if ending && !t.drained {
		if ok, err := put(numbered(typeDrain, t.sent, t.life)); !ok {
			return err
		}
		t.drained = true
	}
	return nil
}

// take waits for a message and takes those that have come.
func (t *talk) take(ctx context.Context) error {
	wait := ctx
	if ctx.Err() != nil || t.peerDrained {
		wait = context.Background() // the peer answers, or its life ends
	}
	var m urpc.Message
	err := t.conn.Recv(wait, &m)
	if errors.Is(err, context.Canceled) {
		return nil // now this core drains
	}
	for n := 0; err == nil; n++ {
		if err := t.took(&m); err != nil {
			return err
		}
		if n == window {
			return nil
		}
		err = t.conn.TryRecv(&m)
	}
	if err == urpc.ErrEmpty {
		return nil
	}
	return err
}

func (t *talk) took(m *urpc.Message) error {
	t.taken++
	if m.Type == typeGreet {
		if t.life != 0 {
			return fmt.Errorf("a second greeting, %x", m.Words)
		}
		t.life = m.Words[1] & (1<<32 - 1)
	}
	if err := check(m, t.peer, t.life); err != nil {
		return err
	}
	switch m.Type {
	case typeData:
		if m.Words[0] != t.received || t.peerDrained {
			return fmt.Errorf("message %d came after %d", m.Words[0], t.received)
		}
		t.received++
	case typeAck:
		if m.Words[0] < t.acked || m.Words[0] > t.sent {
			return fmt.Errorf("%d messages received, of %d sent and %d received before", m.Words[0], t.sent, t.acked)
		}
		t.acked = m.Words[0]
	case typeDrain:
		if m.Words[0] != t.received {
			return fmt.Errorf("the end after %d messages, %d received", m.Words[0], t.received)
		}
		t.peerDrained, t.announced = true, m.Words[0]
	}
	return nil
}

// call calls the peer until its life ends.
func (l *lively) call(ctx context.Context, peer int) error {
	client, err := guest.Client(peer)
	if err != nil {
		return err
	}
	for i := uint64(0); ctx.Err() == nil; i++ {
		m := content(i)
		if err := client.Call(ctx, &m); err != nil {
			if ctx.Err() == nil {
				l.failedCalls.Add(1)
				return err
			}
			return nil
		}
		if err := wantAnswer(i, m); err != nil {
			return fmt.Errorf("call %d: %w", i, err)
		}
		l.calls.Add(1)
	}
	return nil
}

// serve answers the peer's calls.
func (l *lively) serve(ctx context.Context, peer int) error {
	server, err := guest.Server(peer)
	if err != nil {
		return err
	}
	return echo(ctx, server.Accept, func(_ context.Context, m *urpc.Message) error { return server.Reply(m) })
}

// dial opens channels to the peer, one after the other, and has messages returned.
func (l *lively) dial(ctx context.Context, peer int) error {
	for ctx.Err() == nil {
		conn, err := guest.Dial(ctx, peer, "lives", guest.ChannelOptions{Lines: 16, Wait: true})
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case errors.Is(err, guest.ErrStopping):
			l.failedChannels.Add(1)
			return guest.ErrGone // until its next life
		case err != nil:
			return err
		}
		err = l.bounce(conn)
		conn.Close()
		if err != nil {
			l.failedChannels.Add(1)
			return err
		}
		l.channels.Add(1)
	}
	return nil
}

func (l *lively) bounce(conn *guest.Conn) error {
	for i := range uint64(20) {
		m := content(i)
		if err := conn.Send(context.Background(), &m); err != nil {
			return err
		}
		if err := conn.Recv(context.Background(), &m); err != nil {
			return err
		}
		if err := wantAnswer(i, m); err != nil {
			return fmt.Errorf("message %d of a channel: %w", i, err)
		}
	}
	return nil
}

// accept returns the messages of channels that others open.
func (l *lively) accept(listener *guest.Listener) {
	ctx := context.Background()
	for {
		conn, err := listener.Accept(ctx)
		if err != nil {
			broken(err)
		}
		go func() {
			defer conn.Close()
			if err := echo(ctx, conn.Recv, conn.Send); err != nil && !fits(err) {
				broken(fmt.Errorf("channel of core %d: %w", conn.Peer(), err))
			}
		}()
	}
}
