//go:build race

package urpc

import "sync/atomic"

// Access to shared memory under the race detector, which sees neither assembly
// nor the order that x86 gives plain stores: everything is sync/atomic.

// publish makes every earlier store visible and then v.
func publish(addr *uint64, v uint64) { atomic.StoreUint64(addr, v) }

// putWords writes the payload; the header follows by publish.
func putWords(l *Line, m *Message) {
	for i := range m.Words {
		atomic.StoreUint64(&l.words[i], m.Words[i])
	}
}

// getWords copies the payload; the header was loaded before by sync/atomic.
func getWords(m *Message, l *Line) {
	for i := range m.Words {
		m.Words[i] = atomic.LoadUint64(&l.words[i])
	}
}

// putLines writes msgs into the first of lines, all of which are free, the first
// with sequence seq, and returns how many: fewer only if the next message is not
// well formed.
func putLines(lines []Line, msgs []Message, epoch uint64, seq uint32, fetch bool) int {
	for i := range msgs {
		m := &msgs[i]
		if !wellFormed(m.Len, m.Type) {
			return i
		}
		putWords(&lines[i], m)
		publish(&lines[i].header, makeHeader(epoch, m.Len, m.Type, seq+uint32(i)))
	}
	return len(msgs)
}

// takeLines copies lines into msgs of the same number until one is not the
// well-formed message of its sequence, and returns how many.
func takeLines(msgs []Message, lines []Line, epoch uint64, seq uint32) int {
	for i := range lines {
		h := atomic.LoadUint64(&lines[i].header)
		want := epoch | uint64(seq+uint32(i))
		if (h^want)&(seqMask|epochMask) != 0 || !wellFormed(headerLength(h), headerType(h)) {
			return i
		}
		m := &msgs[i]
		getWords(m, &lines[i])
		m.Type, m.Len = headerType(h), headerLength(h)
	}
	return len(lines)
}
