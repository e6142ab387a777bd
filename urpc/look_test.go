package urpc

import "testing"

// TestLook: it sees the next message, not those of the lap before, and takes none.
func TestLook(t *testing.T) {
	s, r := ringPair(t, 16, awake(), awake())
	var m Message
	for i := range uint64(100) {
		if polled := r.Look(); polled != LookPolls {
			t.Fatalf("message %d is not sent, and seen at poll %d", i, polled)
		}
		fill(&m, i)
		if err := s.TrySend(&m); err != nil {
			t.Fatal(i, err)
		}
		for range 2 {
			if polled := r.Look(); polled != 1 {
				t.Fatalf("message %d is there, and %d polls were needed", i, polled)
			}
		}
		if err := r.TryRecv(&m); err != nil {
			t.Fatal(i, err)
		}
	}
}

// TestLookAtHeaders: it sees the sequence that is next, over 2^32 too, of this epoch, whatever the
// length and the type are that come with it.
func TestLookAtHeaders(t *testing.T) {
	_, r := ringPair(t, 16, awake(), awake())
	for _, next := range []uint64{0, 5, 1<<32 - 2, 1<<32 - 1, 1 << 32, 1<<40 + 3} {
		r.next = next
		seq := uint32(next) + 1
		for _, c := range []struct {
			what   string
			header uint64
			polled int
		}{
			{"the next one", makeHeader(r.epoch, 8, 1, seq), 1},
			{"one of 57 bytes", makeHeader(r.epoch, 57, 1, seq), 1},
			{"the end", makeHeader(r.epoch, 0, typeClose, seq), 1},
			{"the one before", makeHeader(r.epoch, 8, 1, seq-1), LookPolls},
			{"that of a lap before", makeHeader(r.epoch, 8, 1, seq-16), LookPolls},
			{"one of another epoch", makeHeader(r.epoch^1<<epochShift, 8, 1, seq), LookPolls},
			{"one of another half of the epochs", makeHeader(r.epoch^1<<63, 8, 1, seq), LookPolls},
		} {
			r.ring[next%16].header = c.header
			if polled := r.Look(); polled != c.polled {
				t.Errorf("message %d, %s: %d polls, want %d", next, c.what, polled, c.polled)
			}
		}
	}
}

// TestLookMeanwhile: it sees what is sent while it looks.
func TestLookMeanwhile(t *testing.T) {
	s, r := ringPair(t, 16, awake(), awake())
	go func() { s.TrySend(&Message{}) }()
	for r.Look() == LookPolls {
	}
	if err := r.TryRecv(new(Message)); err != nil {
		t.Error(err)
	}
}
