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
