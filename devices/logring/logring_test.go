package logring

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
)

func newRing() Ring { return Ring{Head: new(Head), Tail: new(Tail), Data: new([Size]byte)} }

// TestOrderAndWrap: what goes in comes out, whole and in order, through many
// laps; a full ring refuses and changes nothing.
func TestOrderAndWrap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ring := newRing()
	reader := NewReader(ring)
	var want [][]byte
	full := 0
	for i := range 20_000 {
		text := bytes.Repeat([]byte{byte(i)}, r.IntN(MaxText+1))
		if ring.Append(byte(i%3+1), uint64(i), text) {
			want = append(want, text)
		} else {
			full++
		}
		if r.IntN(20) > 0 {
			continue
		}
		for range r.IntN(40) {
			rec, ok, err := reader.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if !bytes.Equal(rec.Text, want[0]) {
				t.Fatalf("record reads %d bytes of %v, want %d", len(rec.Text), rec.Text[:1], len(want[0]))
			}
			want = want[1:]
		}
		reader.Release()
	}
	if full == 0 {
		t.Error("the ring was never full: the test lost its point")
	}
}

func TestTooLong(t *testing.T) {
	ring := newRing()
	if ring.Append(Stdout, 0, make([]byte, MaxText+1)) {
		t.Error("a text longer than MaxText was taken")
	}
}

// TestCorrupt: a header no driver writes is an error once, and the ring works
// again afterwards.
func TestCorrupt(t *testing.T) {
	ring := newRing()
	reader := NewReader(ring)
	ring.Append(Stdout, 1, []byte("x"))
	binary.LittleEndian.PutUint32(ring.Data[:], 1<<31)
	if _, _, err := reader.Next(); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("corrupt length: %v, want ErrCorrupt", err)
	}
	ring.Append(Stderr, 2, []byte("again"))
	if rec, ok, err := reader.Next(); err != nil || !ok || string(rec.Text) != "again" {
		t.Errorf("after the corrupt record: %q %v %v", rec.Text, ok, err)
	}
}

func TestNoAllocation(t *testing.T) {
	ring := newRing()
	text := []byte("a line\n")
	if n := testing.AllocsPerRun(100, func() {
		ring.Append(Stdout, 0, text)
		ring.Tail.n.Store(ring.Head.n.Load())
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzReader: whatever a guest writes, the reader ends, reads inside the ring
// and gives texts of at most MaxText.
func FuzzReader(f *testing.F) {
	f.Add(uint64(0), uint64(64), []byte{5, 0, 0, 0, 1})
	f.Add(uint64(1<<63), uint64(1), []byte{})
	f.Add(uint64(Size-8), uint64(Size+40), bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, tail, head uint64, data []byte) {
		ring := newRing()
		for i, b := range data {
			ring.Data[(tail+uint64(i))%Size] = b
		}
		ring.Tail.n.Store(tail)
		ring.Head.n.Store(head)
		reader := NewReader(ring)
		for range Size { // every record has at least a header
			rec, ok, err := reader.Next()
			if len(rec.Text) > MaxText {
				t.Fatalf("text of %d bytes", len(rec.Text))
			}
			if err != nil || !ok {
				return
			}
		}
		t.Fatal("the reader does not end")
	})
}
