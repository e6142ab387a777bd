package urpc

import "testing"

// TestRecentMessagesBehindTheCount: a core that died may not have published its count;
// its last messages are seen all the same, those of the round before are not.
func TestRecentMessagesBehindTheCount(t *testing.T) {
	const lines, messages = 16, 20
	side := must(SideOf(guarded(t, SideBytes(lines)), lines))
	rx, link := new(Control), Link{Epoch: 1, Polls: -1}
	s, r := must(NewSender(side.Ring, side.Tx, rx, link)), must(NewReceiver(side.Ring, rx, side.Tx, link))
	for i := range uint64(messages) {
		m := Message{Len: 8, Words: [WordCount]uint64{i}}
		if err := s.TrySend(&m); err != nil {
			t.Fatal(err)
		}
		s.Flush()
		if err := r.TryRecv(&m); err != nil {
			t.Fatal(err)
		}
	}
	for published := range uint64(messages + 1) {
		if messages-published > lines {
			continue // so far behind is no core: it publishes before the ring is full
		}
		side.Stats.Send.Messages = published
		if n := WrittenOf(side); n != messages {
			t.Errorf("published %d: %d messages written, want %d", published, n, messages)
		}
		got := RecentOf(side, 3)
		if len(got) != 3 || got[2].Number != messages || got[2].Payload[0] != messages-1 {
			t.Errorf("published %d: the last messages are %+v", published, got)
		}
	}
}
