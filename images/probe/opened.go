package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"time"

	"barreleye/devices/region"
	"barreleye/guest"
	"barreleye/urpc"
)

// Cores 0 and 1 in the tasks about channels that are opened at run time: the first
// dials, the other one listens.
const (
	dialer   = 0
	answerer = 1
)

const (
	typeEcho = 1 + iota // comes back
	typeDie             // ends the answerer
)

// opened has core 0 open -n channels to core 1, use all of them in random order,
// close them, and again; then as many as there is room for.
func opened(ctx context.Context) error {
	switch guest.Core() {
	case dialer:
		return openAll(ctx)
	case answerer:
		return echoAll(ctx)
	}
	return nil
}

func openAll(ctx context.Context) error {
	const rounds = 3
	for round := range rounds {
		conns, err := dialMany(ctx, *count)
		if err != nil {
			return err
		}
		if err := useAll(ctx, conns, uint64(round)); err != nil {
			return err
		}
		for _, i := range rand.Perm(len(conns)) {
			conns[i].Close()
		}
	}
	fmt.Printf("%d channels, %d times: every message came back\n", *count, rounds)
	if err := fill(ctx); err != nil {
		return err
	}
	return send(ctx, typeDie)
}

// fill opens as many channels as there is room for, which tells whether all pages of
// those that were closed can be used again.
func fill(ctx context.Context) error {
	const lines = 1024
	want := guest.Region().PoolPages / region.SidePages(lines)
	for {
		var all []*guest.Conn
		var err error
		for err == nil {
			var c *guest.Conn
			if c, err = guest.Dial(ctx, answerer, "echo", guest.ChannelOptions{Lines: lines}); err == nil {
				all = append(all, c)
			}
		}
		for _, c := range all {
			c.Close()
		}
		switch {
		case !errors.Is(err, guest.ErrRoom):
			return err
		case len(all) == want:
			fmt.Printf("room for %d channels, as there should be\n", want)
			return nil
		case len(all) > want:
			return fmt.Errorf("room for %d channels, want %d", len(all), want)
		}
		runtime.Gosched() // the answerer has not closed all of its ends yet
	}
}

// dialMany opens n short channels.
func dialMany(ctx context.Context, n int) ([]*guest.Conn, error) {
	conns := make([]*guest.Conn, n)
	for i := range conns {
		for conns[i] == nil {
			c, err := guest.Dial(ctx, answerer, "echo", guest.ChannelOptions{Lines: urpc.MinLines, Wait: true})
			if errors.Is(err, guest.ErrRoom) && i > 0 {
				runtime.Gosched() // the last round's are not all closed yet
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("channel %d: %w", i, err)
			}
			conns[i] = c
		}
	}
	return conns, nil
}

// useAll sends over every channel, some of them ahead of what comes back.
func useAll(ctx context.Context, conns []*guest.Conn, round uint64) error {
	waits := make([][]uint64, len(conns))
	var m urpc.Message
	for range 3 {
		for _, i := range rand.Perm(len(conns)) {
			word := rand.Uint64()
			m = urpc.Message{Type: typeEcho, Len: 24, Words: [7]uint64{uint64(i), round, word}}
			if err := conns[i].Send(ctx, &m); err != nil {
				return fmt.Errorf("channel %d: %w", i, err)
			}
			waits[i] = append(waits[i], word)
		}
		for _, i := range rand.Perm(len(conns)) {
			for len(waits[i]) > 0 && (rand.IntN(2) == 0 || len(waits[i]) > 1) {
				if err := conns[i].Recv(ctx, &m); err != nil {
					return fmt.Errorf("channel %d: %w", i, err)
				}
				if m.Words != [7]uint64{uint64(i), round, waits[i][0]} {
					return fmt.Errorf("channel %d, round %d: %v came, want %#x", i, round, m.Words, waits[i][0])
				}
				waits[i] = waits[i][1:]
			}
		}
	}
	return nil
}

// echoAll answers whatever is dialed, until it is told to end.
func echoAll(ctx context.Context) error {
	l, err := guest.Listen("echo")
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- awaitEnd(ctx) }()
	go func() {
		for {
			c, err := l.Accept(ctx)
			if err != nil {
				return
			}
			go echo(ctx, c)
		}
	}()
	return <-ended
}

func echo(ctx context.Context, c *guest.Conn) {
	defer c.Close()
	var m urpc.Message
	for {
		err := c.Recv(ctx, &m)
		if err == nil {
			err = c.Send(ctx, &m)
		}
		if errors.Is(err, urpc.ErrClosed) {
			return
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "probe: core %d: echo: %v\n", guest.Core(), err)
			os.Exit(1)
		}
	}
}

// send says something over the channel that is there from boot on.
func send(ctx context.Context, typ uint16) error {
	ch, err := guest.Channel(answerer)
	if err != nil {
		return err
	}
	return ch.Send(ctx, &urpc.Message{Type: typ})
}

// awaitEnd returns once it is said that the answerer shall end.
func awaitEnd(ctx context.Context) error {
	ch, err := guest.Channel(dialer)
	if err != nil {
		return err
	}
	var m urpc.Message
	return ch.Recv(ctx, &m)
}

// openedLoss has core 0 wait for messages on -n channels of core 1, which ends.
func openedLoss(ctx context.Context) error {
	switch guest.Core() {
	case dialer:
		return loseAll(ctx)
	case answerer:
		return leaveAll(ctx)
	}
	return nil
}

func loseAll(ctx context.Context) error {
	conns, err := dialMany(ctx, *count)
	if err != nil {
		return err
	}
	waits := make(chan error)
	go func() {
		_, err := guest.Dial(ctx, answerer, "nobody", guest.ChannelOptions{Wait: true})
		waits <- err
	}()
	ends := make(chan error)
	for i, c := range conns {
		go func() { ends <- lose(ctx, i, c) }()
	}
	if err := send(ctx, typeDie); err != nil {
		return err
	}
	for range conns {
		if err := <-ends; err != nil {
			return err
		}
	}
	if err := <-waits; !errors.Is(err, guest.ErrGone) {
		return fmt.Errorf("a dial under way: %v", err)
	}
	if _, err := guest.Dial(ctx, answerer, "echo", guest.ChannelOptions{}); !errors.Is(err, guest.ErrGone) {
		return fmt.Errorf("a new dial: %v", err)
	}
	fmt.Printf("%d channels: each message came, then %v\n", len(conns), urpc.ErrClosed)
	return nil
}

// lose wants one message, and then the end.
func lose(ctx context.Context, i int, c *guest.Conn) error {
	defer c.Close()
	var m urpc.Message
	if err := c.Recv(ctx, &m); err != nil {
		return fmt.Errorf("channel %d: %w", i, err)
	}
	if err := c.Recv(ctx, &m); err != urpc.ErrClosed {
		return fmt.Errorf("channel %d ends with %v", i, err)
	}
	return nil
}

// leaveAll accepts all channels but one, sends over each of them, and crashes once it
// is told to.
func leaveAll(ctx context.Context) error {
	l, err := guest.Listen("echo")
	if err != nil {
		return err
	}
	for i := range *count {
		c, err := l.Accept(ctx)
		if err != nil {
			return err
		}
		if err := c.Send(ctx, &urpc.Message{Words: [7]uint64{uint64(i)}}); err != nil {
			return err
		}
	}
	if err := awaitEnd(ctx); err != nil {
		return err
	}
	panic("this core's end, with all channels open")
}

// binding tries what Dial and Listen refuse, and channels of every length.
func binding(ctx context.Context) error {
	switch guest.Core() {
	case dialer:
		return dialEvery(ctx)
	case answerer:
		return acceptEvery(ctx)
	}
	return nil
}

func dialEvery(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	wait := guest.ChannelOptions{Wait: true}
	if _, err := guest.Dial(ctx, answerer, "echo", wait); err != nil { // it listens now
		return err
	}
	for _, c := range []struct {
		ctx     context.Context
		peer    int
		service string
		opt     guest.ChannelOptions
		want    error
	}{
		{ctx, answerer, "nobody", guest.ChannelOptions{}, guest.ErrService},
		{ctx, answerer, "bulk", wait, guest.ErrProfile},
		{soon, answerer, "nobody", wait, context.DeadlineExceeded},
		{ctx, answerer, "echo", guest.ChannelOptions{Lines: 20}, guest.ErrRequest},
		{ctx, answerer, "", wait, guest.ErrRequest},
		{ctx, dialer, "echo", wait, guest.ErrPeer},
		{ctx, guest.Cores(), "echo", wait, guest.ErrPeer},
	} {
		_, err := guest.Dial(c.ctx, c.peer, c.service, c.opt)
		if !errors.Is(err, c.want) {
			return fmt.Errorf("dial of core %d for %q: %v, want %v", c.peer, c.service, err, c.want)
		}
		fmt.Println(err)
	}
	for lines := urpc.MinLines; lines <= urpc.MaxLines; lines *= 2 {
		c, err := guest.Dial(ctx, answerer, "echo", guest.ChannelOptions{Lines: lines, PeerLines: urpc.MaxLines * urpc.MinLines / lines})
		if err != nil {
			return err
		}
		if err := goRound(ctx, c, min(3*lines, *count), lines/2); err != nil {
			return fmt.Errorf("%d lines: %w", lines, err)
		}
		c.Close()
	}
	if err := bulkEcho(ctx); err != nil {
		return err
	}
	return send(ctx, typeDie)
}

// goRound has n messages come back, so many at a time: one by one each would wait for a
// core to wake, which takes a busy host milliseconds.
func goRound(ctx context.Context, c *guest.Conn, n, atOnce int) error {
	for from := 0; from < n; from += atOnce {
		part := min(atOnce, n-from)
		for i := range part {
			m := urpc.Message{Type: typeEcho, Words: [7]uint64{uint64(from + i)}}
			if err := c.Send(ctx, &m); err != nil {
				return err
			}
		}
		for i := range part {
			var m urpc.Message
			if err := c.Recv(ctx, &m); err != nil || m.Words[0] != uint64(from+i) {
				return fmt.Errorf("message %d: %v, %w", from+i, m, err)
			}
		}
	}
	return nil
}

// bulkEcho sends a MiB in whole lines.
func bulkEcho(ctx context.Context) error {
	b, err := guest.DialBulk(ctx, answerer, "bulk", guest.ChannelOptions{Lines: 4096, Wait: true})
	if err != nil {
		return err
	}
	defer b.Close()
	const blocks = 1 << 20 / 64
	data := make([]urpc.Block, blocks)
	for i := range data {
		data[i] = urpc.Block{uint64(i), 7: ^uint64(i)}
	}
	got := make([]urpc.Block, 64)
	at := 0
	for from := 0; at < blocks; {
		if from < blocks && from-at < 2048 {
			if err := b.Send(ctx, data[from:from+256]); err != nil {
				return err
			}
			from += 256
			continue
		}
		n, err := b.Recv(ctx, got)
		if err != nil {
			return err
		}
		for _, g := range got[:n] {
			if g != data[at] {
				return fmt.Errorf("block %d is %v", at, g)
			}
			at++
		}
	}
	fmt.Printf("%d blocks came back\n", at)
	return nil
}

func acceptEvery(ctx context.Context) error {
	l, err := guest.ListenBulk("bulk")
	if err != nil {
		return err
	}
	if _, err := guest.Listen("bulk"); !errors.Is(err, guest.ErrListening) {
		return fmt.Errorf("listening twice: %v", err)
	}
	go func() {
		b, err := l.Accept(ctx)
		if err != nil {
			return
		}
		defer b.Close()
		blocks := make([]urpc.Block, 100)
		for {
			n, err := b.Recv(ctx, blocks)
			if err == nil {
				err = b.Send(ctx, blocks[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	closing, err := guest.Listen("closing")
	if err != nil {
		return err
	}
	closing.Close()
	if _, err := closing.Accept(ctx); !errors.Is(err, guest.ErrListener) {
		return fmt.Errorf("accept of a closed listener: %v", err)
	}
	return echoAll(ctx)
}
