package fanout

import (
	"errors"
	"testing"

	"barreleye/urpc"
)

// FuzzPacket: what any line means is a packet that says the same again, or an error.
func FuzzPacket(f *testing.F) {
	f.Add(uint64(1)<<56|5, uint64(7), uint16(3), uint8(8))
	f.Add(uint64(3)<<56, uint64(0x0002_0001), uint16(0), uint8(4))
	f.Fuzz(func(t *testing.T, protocol, word uint64, typ uint16, length uint8) {
		m := urpc.Message{Type: typ, Len: length}
		m.Words[1], m.Words[protocolWord] = word, protocol
		var p Packet
		if err := p.decode(&m); err != nil {
			if !errors.Is(err, urpc.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if p.encode() != m {
			t.Fatalf("%v reads as %v", m, p)
		}
		if p.Kind != KindLost {
			return
		}
		var cores []int
		for i := range p.lostCores() {
			cores = append(cores, p.lostCore(i))
		}
		if again := lostPacket(p.Op, cores); again.lostCores() != len(cores) || len(cores) > coresPerMsg {
			t.Fatalf("%d cores in %d bytes", len(cores), length)
		}
	})
}

// FuzzMachine: whatever comes from whom, a machine says only what its channels can
// do, and what it keeps is bounded.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{1, 0, 0, 2, 1, 0, 0, 3, 0, 1, 3, 2, 0, 1, 4, 2, 0})
	f.Add([]byte{0, 5, 0, 0, 0, 1, 2, 0, 4, 2, 3, 9, 1, 1, 2, 7})
	tree, err := NewTree(0, [][]int{{1, 2}, {3, 4}, {5}, {6}, nil, nil, nil}, 2)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		next := func() (b byte) {
			if len(data) > 0 {
				b, data = data[0], data[1:]
			}
			return b
		}
		self := int(next()) % 7
		m := must(NewMachine(tree, self, Sum))
		results := uint64(0)
		for len(data) > 0 {
			e := Event{Kind: EventPacket, From: int(next()) % 7, Op: uint64(next())}
			switch next() % 6 {
			case 0:
				e.Kind, e.Err = EventGone, nil
			case 1:
				e.Kind = EventAnswer
			case 2:
				if m.isRoot() && m.next < m.finished+Window {
					e.Kind = EventStart
				}
			default:
				e.Packet = Packet{Kind: Kind(next() % 6), Op: uint64(next())}
				if next()%8 == 0 {
					e.Packet.Op <<= 48
				}
				if e.Packet.Kind == KindLost {
					e.Packet = lostPacket(e.Packet.Op, []int{int(next()), int(next())})
				}
			}
			for _, a := range m.Step(&e, nil) {
				switch {
				case a.Kind == ActResult && a.Op != results:
					t.Fatalf("result of %d after %d results", a.Op, results)
				case a.Kind == ActResult:
					results++
				case a.Kind == ActSend && (a.To < 0 || a.To >= 7 || a.To == self):
					t.Fatalf("core %d sends to core %d", self, a.To)
				case a.Kind == ActSend && (a.Packet.Kind == KindReply) != (a.To == m.parent) && a.Packet.Kind != KindLost:
					t.Fatalf("core %d sends core %d %v", self, a.To, a.Packet)
				}
			}
			if len(m.children)+len(m.unnamed) > 2*7 {
				t.Fatalf("%d children, %d unnamed", len(m.children), len(m.unnamed))
			}
			for i := range m.ops {
				if len(m.ops[i].waits)+len(m.ops[i].lost) > 2*7 {
					t.Fatalf("operation %+v", m.ops[i])
				}
			}
		}
		for m.isRoot() && results < m.next { // all must die
			c, ok := m.Awaited()
			if !ok {
				t.Fatalf("operation %d waits for nobody", results)
			}
			for _, a := range m.Step(&Event{Kind: EventGone, From: c}, nil) {
				if a.Kind == ActResult {
					results++
				}
			}
		}
	})
}
