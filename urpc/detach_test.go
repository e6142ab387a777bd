package urpc

import (
	"context"
	"errors"
	"testing"
)

// TestEnded: an end whose peer had sent nothing is at its end, both ways.
func TestEnded(t *testing.T) {
	for _, latency := range []bool{false, true} {
		c, err := NewEnded(Link{Epoch: 7, Latency: latency, Sleeper: noParking{}, Bell: &Bell{Asleep: new(uint64)}})
		if err != nil {
			t.Fatal(err)
		}
		var m Message
		if err := c.Recv(context.Background(), &m); err != ErrClosed {
			t.Errorf("received: %v", err)
		}
		for n := 0; err == nil; n++ {
			if err = c.Send(context.Background(), &m); n > MinLines || err != nil && err != ErrClosed {
				t.Fatalf("message %d: %v", n, err)
			}
		}
		if c.More() {
			t.Error("there is more")
		}
	}
}

// wipe is what becomes of the memory of a dead core's channels.
func wipe(mem ...[]byte) {
	for _, m := range mem {
		clear(m)
	}
}

// TestDetach: an end that was detached from a dead peer gives what had come, then ErrClosed,
// whatever becomes of the memory, and writes nothing there any more.
func TestDetach(t *testing.T) {
	const lines = 16
	for _, latency := range []bool{false, true} {
		for sent := range 3*lines + 1 {
			a, b := guarded(t, SideBytes(lines)), guarded(t, SideBytes(lines))
			dead, live := side(t, a, lines), side(t, b, lines)
			link := Link{Epoch: 3, Latency: latency}
			from, e1 := NewConn(dead, live, link)
			to, e2 := NewConn(live, dead, link)
			if err := errors.Join(e1, e2); err != nil {
				t.Fatal(err)
			}
			var m Message
			got := 0
			take := func() {
				if err := to.TryRecv(&m); err != nil || m.Words[0] != uint64(got) {
					t.Fatalf("message %d of %d: %d, %v", got, sent, m.Words[0], err)
				}
				got++
			}
			for i := range sent {
				for m.Words[0] = uint64(i); from.TrySend(&m) == ErrFull; m.Words[0] = uint64(i) {
					take()
				}
				if i%5 == 0 {
					take()
				}
			}
			to.TrySend(&m)
			BurySide(dead, live, 3)
			to.Detach()
			wipe(a, b)
			for got < sent {
				take()
			}
			if err := to.Recv(context.Background(), &m); err != ErrClosed {
				t.Errorf("%d sent: after the last message: %v, want ErrClosed", sent, err)
			}
			to.TrySend(&m) // may still find room
			to.Flush()
			if err := to.TrySend(&m); err != ErrClosed {
				t.Errorf("%d sent: send: %v, want ErrClosed", sent, err)
			}
			to.Close()
			for i, v := range b {
				if v != 0 {
					t.Fatalf("%d sent, latency %v: byte %d of this core's side is %#x", sent, latency, i, v)
				}
			}
		}
	}
}

// TestDetachFull: a sender that found the ring full, or filled it since, learns that nobody
// will make room.
func TestDetachFull(t *testing.T) {
	a, b := guarded(t, SideBytes(16)), guarded(t, SideBytes(16))
	dead, live := side(t, a, 16), side(t, b, 16)
	to, err := NewConn(live, dead, Link{Epoch: 3, Sleeper: noParking{}, Polls: -1})
	if err != nil {
		t.Fatal(err)
	}
	var m Message
	for to.TrySend(&m) == nil {
	}
	BurySide(dead, live, 3)
	to.Detach()
	wipe(a, b)
	if err := to.Send(context.Background(), &m); err != ErrClosed {
		t.Errorf("send into a full ring: %v, want ErrClosed", err)
	}
}

// TestDetachBulk: the same for a channel of the bulk profile.
func TestDetachBulk(t *testing.T) {
	const lines = 16
	for _, latency := range []bool{false, true} {
		for sent := range 3*lines + 1 {
			a, b := guarded(t, SideBytes(lines)), guarded(t, SideBytes(lines))
			dead, live := side(t, a, lines), side(t, b, lines)
			link := Link{Epoch: 3, Latency: latency}
			from, e1 := NewBulk(dead, live, link)
			to, e2 := NewBulk(live, dead, link)
			if err := errors.Join(e1, e2); err != nil {
				t.Fatal(err)
			}
			var block [1]Block
			got := 0
			take := func() bool {
				n, err := to.RecvBatch(block[:])
				if n == 0 && err == ErrEmpty {
					return false
				}
				if err != nil || block[0][7] != uint64(got) {
					t.Fatalf("block %d of %d: %d, %v", got, sent, block[0][7], err)
				}
				got++
				return true
			}
			for i := range sent {
				for {
					block[0][7] = uint64(i)
					if n, _ := from.SendBatch(block[:]); n == 1 {
						break
					}
					take()
				}
			}
			from.Flush()
			to.SendBatch(block[:])
			BuryBulk(dead, 3)
			to.Detach()
			wipe(a, b)
			for got < sent {
				if !take() {
					t.Fatalf("%d of %d blocks", got, sent)
				}
			}
			if _, err := to.Recv(context.Background(), block[:]); err != ErrClosed {
				t.Errorf("%d sent: after the last block: %v, want ErrClosed", sent, err)
			}
			to.SendBatch(block[:])
			to.Flush()
			if _, err := to.SendBatch(block[:]); err != ErrClosed {
				t.Errorf("%d sent: send: %v, want ErrClosed", sent, err)
			}
			to.Close()
			for i, v := range b {
				if v != 0 {
					t.Fatalf("%d sent, latency %v: byte %d of this core's side is %#x", sent, latency, i, v)
				}
			}
		}
	}
}

// TestDetachCall: a call, or an answer, that was under way is still taken.
func TestDetachCall(t *testing.T) {
	for _, answered := range []bool{false, true} {
		mem := guarded(t, 3*pageSize)
		c, s := callPair(t, mem, Link{Epoch: 3}, Link{Epoch: 3})
		var m Message
		if err := c.Start(&m); err != nil {
			t.Fatal(err)
		}
		if answered {
			if err := s.TryAccept(&m); err != nil {
				t.Fatal(err)
			}
			m.Words[0] = 7
			if err := s.Reply(&m); err != nil {
				t.Fatal(err)
			}
		}
		BuryCall(c.line, c.peer, false, 3) // the server is dead
		c.Detach()
		wipe(mem)
		err := c.Poll(&m)
		if answered && (err != nil || m.Words[0] != 7) || !answered && err != ErrClosed {
			t.Errorf("answered %v: %d, %v", answered, m.Words[0], err)
		}
		if answered {
			c.Start(&m)
			if err := c.Poll(&m); err != ErrClosed {
				t.Errorf("the next call: %v, want ErrClosed", err)
			}
		}
		c.Close()
		for i, v := range mem {
			if v != 0 {
				t.Fatalf("answered %v: byte %d is %#x", answered, i, v)
			}
		}
	}
}

// TestDetachMember: a broadcast goes on without the member that died, whose words are wiped
// out, and one of its members takes what a dead writer had sent.
func TestDetachMember(t *testing.T) {
	page, acks := guarded(t, pageSize), guarded(t, 2*LineSize)
	b, err := BroadcastOf(page)
	if err != nil {
		t.Fatal(err)
	}
	first, e1 := ControlOf(acks)
	second, e2 := ControlOf(acks[LineSize:])
	link := Link{Epoch: 3, Sleeper: noParking{}, Polls: -1}
	line, e3 := NewBroadcaster(b.Ring, b.Tx, []*Control{first, second}, []Link{link, link})
	to, e4 := NewReceiver(b.Ring, first, b.Tx, link)
	if err := errors.Join(e1, e2, e3, e4); err != nil {
		t.Fatal(err)
	}
	var m Message
	for line.TrySend(&m) == nil {
	}
	for to.TryRecv(&m) == nil {
	}
	to.Ack()
	BuryListener(second, 3)
	line.Detach(1)
	wipe(acks[LineSize:])
	for i := range 2 * BroadcastLines {
		m.Words[0] = uint64(i)
		if err := line.Send(context.Background(), &m); err != nil {
			t.Fatal(i, err)
		}
		if err := to.TryRecv(&m); err != nil || m.Words[0] != uint64(i) {
			t.Fatal(i, m.Words[0], err)
		}
	}
	if err := line.Left(1); err != ErrClosed {
		t.Errorf("the member left with %v", err)
	}
	line.TrySend(&m)
	BuryBroadcaster(b, []*Control{first}, 3)
	to.Detach()
	wipe(page, acks)
	if err := to.TryRecv(&m); err != nil {
		t.Errorf("what the writer had sent: %v", err)
	}
	if err := to.Recv(context.Background(), &m); err != ErrClosed {
		t.Errorf("after that: %v, want ErrClosed", err)
	}
}
