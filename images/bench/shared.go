package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"barreleye/guest"
	"barreleye/images/bench/measure"
	"barreleye/urpc"
)

// Messages per round between cores that share CPUs.
const (
	sharedBatch  = 50
	sharedStream = 20_000
)

// shared measures between cores that share CPUs, where none polls: cores 0 and 1,
// 2 and 3 and so on exchange messages, all at once; core 0 keeps what its own cost.
// Each of the pairs' first cores counts its messages and has the other one check
// the number, until core 0 is through.
func shared() ([]*measure.Series, error) {
	me, cores := guest.Core(), guest.Cores()
	if cores%2 != 0 {
		return nil, fmt.Errorf("%d cores exchange no messages in pairs: use an even number", cores)
	}
	_, lines, err := guest.Scratch(0, 0)
	if err != nil {
		return nil, err
	}
	through := &lines[0].Words[0]
	conn, err := guest.Channel(me ^ 1)
	if err != nil {
		return nil, err
	}
	if me%2 != 0 {
		return nil, follow(conn)
	}
	var all []*measure.Series
	for turn, kind := range []struct {
		name string
		n    int
		do   func(*urpc.Conn, uint64) error
	}{{"shared_ring", sharedBatch, exchange}, {"shared_stream", sharedStream, pour}} {
		s := &measure.Series{Name: kind.name, Params: [][2]string{{"guests", fmt.Sprint(cores)}}, Per: kind.n}
		for i := 0; me == 0 && i < *rounds || me != 0 && atomic.LoadUint64(through) == uint64(turn); i++ {
			start := guest.TSC()
			if err := kind.do(conn, uint64(kind.n)); err != nil {
				return nil, err
			}
			if me == 0 {
				s.Samples = append(s.Samples, guest.Nanoseconds(guest.TSC()-start)/float64(kind.n))
			}
		}
		if me == 0 {
			atomic.StoreUint64(through, uint64(turn+1))
		}
		all = append(all, s)
	}
	return all, conn.Send(context.Background(), &urpc.Message{Type: typeEnd})
}

// Types of messages between cores that share CPUs.
const (
	typeEcho  = iota // to be sent back
	typeOther        // to be taken
	typeLast         // the last of a stream: to be sent back
	typeEnd          // nothing follows
)

// exchange sends n messages and waits for the echo of each.
func exchange(conn *urpc.Conn, n uint64) error {
	ctx := context.Background()
	m := urpc.Message{Type: typeEcho, Len: urpc.MaxPayload}
	for i := range n {
		m.Words[0], m.Words[6] = i, i
		if err := conn.Send(ctx, &m); err != nil {
			return err
		}
		if err := conn.Recv(ctx, &m); err != nil {
			return err
		}
		if m.Words[0] != i || m.Words[6] != i {
			return fmt.Errorf("echo %d reads %x", i, m.Words)
		}
	}
	return nil
}

// pour streams n messages and waits until the other core has them.
func pour(conn *urpc.Conn, n uint64) error {
	ctx := context.Background()
	m := urpc.Message{Type: typeOther, Len: urpc.MaxPayload}
	for i := range n {
		m.Words[0], m.Words[6] = i, i
		if i == n-1 {
			m.Type = typeLast
		}
		err := conn.TrySend(&m)
		if err == urpc.ErrFull {
			err = conn.Send(ctx, &m)
		}
		if err != nil {
			return err
		}
	}
	conn.Flush()
	if err := conn.Recv(ctx, &m); err != nil {
		return err
	}
	if m.Words[0] != n-1 || m.Words[6] != n-1 {
		return fmt.Errorf("the last of %d messages comes back as %x", n, m.Words)
	}
	return nil
}

// follow checks what comes, and sends back what is to be sent back.
func follow(conn *urpc.Conn) error {
	ctx := context.Background()
	var m urpc.Message
	for next := uint64(0); ; {
		if err := conn.Recv(ctx, &m); err != nil {
			return err
		}
		switch m.Type {
		case typeEnd:
			return nil
		case typeOther, typeLast:
			if m.Words[0] != next || m.Words[6] != next {
				return fmt.Errorf("message %d of a stream reads %x", next, m.Words)
			}
			next++
		}
		if m.Type == typeOther {
			continue
		}
		if m.Type == typeLast {
			next = 0
		}
		if err := conn.Send(ctx, &m); err != nil {
			return err
		}
	}
}
