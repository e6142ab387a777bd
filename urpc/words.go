//go:build !race

package urpc

// Access to shared memory in an ordinary build: payload words by plain MOVs,
// one by one, because a 64-byte copy of words just written waits until their
// stores have left the store buffer. words_race.go is the other half.

// publish makes every earlier store visible and then v. See storeRelease.
func publish(addr *uint64, v uint64) { storeRelease(addr, v) }

// putWords writes the payload; the header follows by publish.
func putWords(l *Line, m *Message) {
	l.words[0] = m.Words[0]
	l.words[1] = m.Words[1]
	l.words[2] = m.Words[2]
	l.words[3] = m.Words[3]
	l.words[4] = m.Words[4]
	l.words[5] = m.Words[5]
	l.words[6] = m.Words[6]
}

// getWords copies the payload; the header was loaded before by sync/atomic.
func getWords(m *Message, l *Line) {
	m.Words[0] = l.words[0]
	m.Words[1] = l.words[1]
	m.Words[2] = l.words[2]
	m.Words[3] = l.words[3]
	m.Words[4] = l.words[4]
	m.Words[5] = l.words[5]
	m.Words[6] = l.words[6]
}

// putLines writes msgs into the first of lines, all of which are free, the first
// with sequence seq, and returns how many: fewer only if the next message is not
// well formed. It may fetch lines ahead.
func putLines(lines []Line, msgs []Message, epoch uint64, seq uint32, fetch bool) int {
	var free uint64
	if fetch {
		free = uint64(len(lines))
	}
	return int(storeLines(&lines[0], &msgs[0], uint64(len(msgs)), epoch, seq, free))
}

// takeLines copies lines into msgs of the same number until one is not the
// well-formed message of its sequence, and returns how many.
func takeLines(msgs []Message, lines []Line, epoch uint64, seq uint32) int {
	return int(loadLines(&msgs[0], &lines[0], uint64(len(lines)), epoch, seq))
}
