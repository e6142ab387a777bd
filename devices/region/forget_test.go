package region

import (
	"testing"

	"barreleye/urpc"
)

// TestForget: after a core has forgotten another one only the counts are left of what it
// wrote for it, whatever had been sent, after Recount nothing but their sums, and what it
// wrote for a third stays.
func TestForget(t *testing.T) {
	for _, sent := range []int{0, 1, 63, 64, 200} {
		v := mapped(t, Geometry{Cores: 3, RingLines: 64, PoolPages: 64})
		conn := func(kind, from, to int) *urpc.Conn {
			own, e1 := v.OpenSide(kind, from, to)
			other, e2 := v.OpenSide(kind, to, from)
			if e1 != nil || e2 != nil {
				t.Fatal(e1, e2)
			}
			c, err := urpc.NewConn(own, other, urpc.Link{Epoch: 1})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		for _, kind := range Channels {
			for _, peer := range []int{1, 2} {
				near, far := conn(kind, 0, peer), conn(kind, peer, 0)
				for range sent {
					var m urpc.Message
					m.Words[3] = 1
					near.TrySend(&m)
					far.TryRecv(&m)
					far.TrySend(&m)
					near.TryRecv(&m)
				}
				near.Close()
			}
		}
		for _, pair := range [][2]int{{0, 1}, {1, 0}} { // calls, each way
			c, err := v.OpenCall(pair[0], pair[1])
			if err != nil {
				t.Fatal(err)
			}
			urpc.BuryCall(c.Line, c.Client, true, 1)
			urpc.BuryCall(c.Line, c.Server, false, 1)
		}
		v.Forget(0, 1)
		for _, kind := range Channels {
			side, err := v.OpenSide(kind, 0, 1)
			if err != nil {
				t.Fatal(err)
			}
			if s, r := side.Stats.Send.Messages, side.Stats.Recv.Messages; s != uint64(sent) || s != r {
				t.Errorf("%d sent: kind %d counted %d and %d", sent, kind, s, r)
			}
			stats := *side.Stats
			*side.Stats = urpc.Stats{}
			for _, peer := range []int{1, 2} {
				mem, err := urpc.MemoryAt(v.Side(kind, 0, peer), urpc.SideBytes(v.Lines(kind)))
				if err != nil {
					t.Fatal(err)
				}
				used := 0
				for _, b := range mem {
					if b != 0 {
						used++
					}
				}
				if (used == 0) != (peer == 1) {
					t.Errorf("%d sent: %d bytes of kind %d towards core %d are not zero", sent, used, kind, peer)
				}
			}
			*side.Stats = stats
		}
		all := uint64(len(Channels) * sent)
		for range 2 { // before and after
			if s, r := v.MessagesWith(0, 1); s != all || s != r {
				t.Errorf("%d sent: counted %d and %d", sent, s, r)
			}
			v.Recount(0, 1)
		}
		if s, r := v.Totals(0, 1).Sent.Load(), v.Totals(0, 1).Received.Load(); s != all || s != r {
			t.Errorf("%d sent: counted %d and %d in all", sent, s, r)
		}
		for _, kind := range Channels {
			if side, err := v.OpenSide(kind, 0, 1); err != nil || *side.Stats != (urpc.Stats{}) {
				t.Errorf("%d sent: %v, kind %d has %+v", sent, err, kind, side.Stats)
			}
		}
	}
}
