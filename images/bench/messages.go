package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"barreleye/guest"
	"barreleye/urpc"
	"barreleye/urpc/limit"
)

// bench holds what both cores use.
type bench struct {
	me      int
	peer    *urpc.Conn
	client  *urpc.CallClient
	server  *urpc.CallServer
	ring    []limit.Line // raw memory
	lines   []limit.Line
	barrier []limit.Line
	result  Result
	step    uint64
	sent    uint64 // messages over the ring so far
	calls   uint64
	first   uint64 // number of the next raw message of each kind
	two     uint64
	stream  uint64
}

// messages measures on cores 0 and 1; others do nothing.
func messages() (Result, error) {
	me := guest.Core()
	if guest.Cores() < 2 {
		return nil, fmt.Errorf("needs two cores: use --cores 2")
	}
	if me > 1 {
		return nil, nil
	}
	b := &bench{me: me, result: Result{}, first: 1, two: 1, stream: 1}
	var err error
	if b.peer, err = guest.Channel(1 - me); err != nil {
		return nil, err
	}
	if me == 0 {
		b.client, err = guest.Client(1)
	} else {
		b.server, err = guest.Server(0)
	}
	if err != nil {
		return nil, err
	}
	if b.ring, b.lines, err = guest.Scratch(0); err != nil {
		return nil, err
	}
	if _, b.barrier, err = guest.Scratch(1); err != nil {
		return nil, err
	}
	for i := range *rounds {
		b.time("call_limit", *batch, b.rawCall)
		b.time("call", *batch, b.call)
		b.time("ring_limit", *batch, b.rawRing)
		b.time("ring", *batch, b.roundTrip)
		if i%4 == 0 {
			b.time("stream_limit", *stream, b.rawStream)
			b.time("stream", *stream, b.oneWay)
		}
	}
	return b.result, nil
}

// time runs f for n messages on both cores at once; core 0 keeps the ns each
// took.
func (b *bench) time(name string, n int, f func(n uint64)) {
	b.meet()
	t := guest.TSC()
	f(uint64(n))
	b.meet() // a stream has ended when its reader has it
	if b.me == 0 {
		b.result[name] = append(b.result[name], guest.Nanoseconds(guest.TSC()-t)/float64(n))
	}
}

// meet returns when both cores are here.
func (b *bench) meet() {
	b.step++
	atomic.StoreUint64(&b.barrier[b.me].Words[0], b.step)
	for atomic.LoadUint64(&b.barrier[1-b.me].Words[0]) < b.step {
		guest.Pause()
	}
}

func (b *bench) rawCall(n uint64) {
	if b.me == 0 {
		limit.SameLineCall(&b.lines[0], b.first, n)
	} else {
		limit.SameLineServe(&b.lines[0], b.first, n)
	}
	b.first += n
}

func (b *bench) rawRing(n uint64) {
	if b.me == 0 {
		limit.TwoLineCall(&b.lines[8], &b.lines[16], b.two, n)
	} else {
		limit.TwoLineServe(&b.lines[16], &b.lines[8], b.two, n)
	}
	b.two += n
}

func (b *bench) rawStream(n uint64) {
	ack := &b.lines[24].Words[0]
	if b.me == 0 {
		limit.StreamWrite(&b.ring[0], uint64(len(b.ring)), ack, b.stream, n)
	} else {
		limit.StreamRead(&b.ring[0], uint64(len(b.ring)), ack, b.stream, n)
	}
	b.stream += n
}

// call does n calls of one line, every answer checked by its first and last
// word. The work between reading a line and writing it is kept short: it is
// when a poll of the other core does harm.
func (b *bench) call(n uint64) {
	ctx := context.Background()
	m := message()
	for i := b.calls; i < b.calls+n; i++ {
		if b.me == 0 {
			m.Words[0], m.Words[6] = i, i
			must(b.client.Call(ctx, &m))
			check(&m, i+1)
		} else {
			must(b.server.Accept(ctx, &m))
			m.Words[0]++
			m.Words[6]++
			must(b.server.Reply(&m))
		}
	}
	b.calls += n
}

// roundTrip sends n messages and waits for the echo of each.
func (b *bench) roundTrip(n uint64) {
	ctx := context.Background()
	m := message()
	for i := b.sent; i < b.sent+n; i++ {
		if b.me == 0 {
			m.Words[0], m.Words[6] = i, i
			must(b.peer.TrySend(&m))
			must(b.peer.Recv(ctx, &m))
			check(&m, i)
		} else {
			must(b.peer.Recv(ctx, &m))
			must(b.peer.TrySend(&m))
		}
	}
	b.sent += n
}

// batchSize is how many messages of a stream go into one call.
const batchSize = 32

// oneWay streams n messages from core 0 to core 1 by batches, every one
// checked by its first and last word.
func (b *bench) oneWay(n uint64) {
	var batch [batchSize]urpc.Message
	for i := range batch {
		batch[i] = message()
	}
	for i := uint64(0); i < n; {
		m := batch[:min(batchSize, n-i)]
		if b.me == 0 {
			for j := range m {
				m[j].Words[0], m[j].Words[6] = i+uint64(j), i+uint64(j)
			}
			i += uint64(len(m))
			for len(m) > 0 {
				sent, err := b.peer.SendBatch(m)
				m = m[sent:]
				if err == urpc.ErrFull {
					guest.Pause()
				} else {
					must(err)
				}
			}
			continue
		}
		taken, err := b.peer.RecvBatch(m)
		if err != urpc.ErrEmpty {
			must(err)
		}
		for j := range taken {
			check(&m[j], i)
			i++
		}
		if taken < len(m) {
			lag()
		}
	}
}

// lag lets a reader that caught up fall behind again: one that polls the line
// its writer is about to write takes it away each time.
func lag() {
	for range 16 {
		guest.Pause()
	}
}

// message returns a message of a whole line.
func message() urpc.Message { return urpc.Message{Type: 1, Len: urpc.MaxPayload} }

func check(m *urpc.Message, v uint64) {
	if m.Words[0] != v || m.Words[6] != v {
		panic(fmt.Sprintf("message reads %x, want %x first and last", m.Words, v))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
