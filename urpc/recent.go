package urpc

import "sync/atomic"

// Recent is a message as it lies in a ring, for whoever looks at what a core left.
type Recent struct {
	Number  uint64 // of the message on its channel, from 1
	Type    uint16
	Payload []byte
}

// WrittenOf returns how many messages side's owner wrote to its ring. It publishes its
// count from time to time only, so those behind that are found by the lines themselves.
func WrittenOf(side Side) uint64 {
	n := atomic.LoadUint64(&side.Stats.Send.Messages)
	for range side.Ring {
		if h := atomic.LoadUint64(&side.Ring[n&uint64(len(side.Ring)-1)].header); uint32(h) != uint32(n)+1 {
			break
		}
		n++
	}
	return n
}

// RecentOf returns up to most of the last messages that side's owner wrote to its
// ring, oldest first. It trusts nothing: what is no message of the given number
// is left out.
func RecentOf(side Side, most int) (list []Recent) {
	sent := WrittenOf(side)
	n := min(uint64(most), sent, uint64(len(side.Ring)))
	for i := sent - n; i < sent; i++ {
		l := &side.Ring[i&uint64(len(side.Ring)-1)]
		h := atomic.LoadUint64(&l.header)
		length := headerLength(h &^ stamped)
		if uint32(h) != uint32(i)+1 || !wellFormed(length, headerType(h)) {
			continue
		}
		m := Recent{Number: i + 1, Type: headerType(h), Payload: make([]byte, 0, MaxPayload)}
		for w := range l.words {
			word := atomic.LoadUint64(&l.words[w])
			for b := range 8 {
				m.Payload = append(m.Payload, byte(word>>(8*b)))
			}
		}
		m.Payload = m.Payload[:length]
		list = append(list, m)
	}
	return list
}
