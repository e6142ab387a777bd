package wire

import (
	"errors"
	"fmt"
	"testing"

	"barreleye/images/kv/store"
	"barreleye/urpc"
)

func valueOf(n int) (v store.Value) {
	v.Len = uint8(n)
	for i := range n {
		v.Data[i] = byte(i + 1)
	}
	return v
}

// TestRequests sends every operation, with values of every length, over a message
// that holds something else before.
func TestRequests(t *testing.T) {
	for _, op := range []store.Op{store.Get, store.Put, store.Delete} {
		for n := range store.MaxValue + 1 {
			want := store.Request{Op: op, Key: store.Key{0: 1, 15: 2}}
			if op == store.Put {
				want.Value = valueOf(n)
			}
			m, got := dirty(), store.Request{Value: valueOf(store.MaxValue)}
			PutRequest(&m, 77, &want)
			tag, err := Request(&m, &got)
			if err != nil || tag != 77 || got != want {
				t.Errorf("%v of %d bytes: tag %d, %v, %v; want %v", op, n, tag, got, err, want)
			}
		}
	}
}

func TestAnswers(t *testing.T) {
	for s := store.Found; s <= store.Deleted; s++ {
		for n := range store.MaxValue + 1 {
			want := store.Answer{Status: s}
			if s == store.Found {
				want.Value = valueOf(n)
			}
			m, got := dirty(), store.Answer{Value: valueOf(store.MaxValue)}
			PutAnswer(&m, 78, &want)
			tag, err := Answer(&m, &got)
			if err != nil || tag != 78 || got != want {
				t.Errorf("%v of %d bytes: tag %d, %v, %v; want %v", s, n, tag, got, err, want)
			}
		}
	}
}

func dirty() (m urpc.Message) {
	for i := range m.Words {
		m.Words[i] = ^uint64(0)
	}
	return m
}

// TestLayout holds the bytes that the package comment promises.
func TestLayout(t *testing.T) {
	var m urpc.Message
	PutRequest(&m, 0x0102, &store.Request{Op: store.Put, Key: store.Key([]byte("0123456789abcdef")), Value: store.Value{Data: [32]byte{'v'}, Len: 1}})
	if got, want := fmt.Sprintf("%d %q", m.Type, m.AppendTo(nil)), `2 "\x02\x01\x00\x00\x00\x00\x00\x000123456789abcdefv"`; got != want {
		t.Errorf("put: %s, want %s", got, want)
	}
	PutAnswer(&m, 3, &store.Answer{Status: store.Found, Value: store.Value{Data: [32]byte{'w'}, Len: 1}})
	if got, want := fmt.Sprintf("%d %q", m.Type, m.AppendTo(nil)), `16 "\x03\x00\x00\x00\x00\x00\x00\x00w"`; got != want {
		t.Errorf("found: %s, want %s", got, want)
	}
}

func TestControl(t *testing.T) {
	m := Control(TypeDone, 1, 2, 3)
	if err := WantControl(&m, TypeDone, 3); err != nil || m.Words != [7]uint64{1, 2, 3} {
		t.Errorf("%v: %v", m, err)
	}
	for _, err := range []error{WantControl(&m, TypeServed, 3), WantControl(&m, TypeDone, 2)} {
		if !errors.Is(err, ErrMalformed) {
			t.Error(err)
		}
	}
}

// FuzzMessages: whatever a message holds, it is refused, or its bytes up to its
// length come out of the encoder again.
func FuzzMessages(f *testing.F) {
	f.Add(uint16(store.Get), uint8(24), []byte("tag-----0123456789abcdef"))
	f.Add(uint16(store.Put), uint8(56), []byte("tag-----0123456789abcdefvalue"))
	f.Add(uint16(firstAnswer), uint8(40), []byte("tag-----value"))
	f.Add(uint16(firstAnswer+1), uint8(8), []byte("tag-----"))
	f.Add(uint16(TypeDone), uint8(0), []byte{})
	f.Fuzz(func(t *testing.T, kind uint16, length uint8, payload []byte) {
		var m, back urpc.Message
		m.SetBytes(payload[:min(len(payload), urpc.MaxPayload)])
		m.Type, m.Len = kind, length%(urpc.MaxPayload+1)
		var r store.Request
		var a store.Answer
		if tag, err := Request(&m, &r); err == nil {
			PutRequest(&back, tag, &r)
		} else if tag, err := Answer(&m, &a); err == nil {
			PutAnswer(&back, tag, &a)
		} else if errors.Is(err, ErrMalformed) {
			return
		} else {
			t.Fatal(err)
		}
		if back.Type != m.Type || string(back.AppendTo(nil)) != string(m.AppendTo(nil)) {
			t.Errorf("%v became %v", m, back)
		}
	})
}
