package urpc

import "sync/atomic"

// Latencies are sampled. The sender stamps a message now and then: it writes the
// message's number and the time to its own page, and then the message, with a bit
// in the header by which it is no well-formed message at first sight. Both fast
// paths are what they are without: the sender's limit, at which it must look
// around anyway, is the next sample where that comes before the end of its credit,
// and the receiver finds a stamped header where it judges what is no message.

// Stamp is the time of one stamped message. Its writer is the sender, before the
// message's header; the receiver reads it after the header. It fills a line, which
// the sender fetches beforehand: the header's store waits for this one's.
type Stamp struct {
	Line, TSC uint64
	Messages  uint64 // how many it stands for: itself and ones before
	_         [5]uint64
}

// stampCount is how many stamps may be on their way.
const stampCount = 4

// stamped is the header's bit of a message that has a stamp: the one above those
// that a length needs.
const stamped = 1 << (lengthShift + 6)

// sampleEvery is how many cycles lie between two samples of a sender that sends
// all the time, about 200 us. A sample costs a stream one or two microseconds,
// because what is on its way stands still. Slower senders stamp every message.
const sampleEvery = 1 << 19

// sampleAtMost is how many messages lie between two samples at most.
const sampleAtMost = 1 << 16

// never is the number of no line.
const never = ^uint64(0)

// sampler is the sender's half.
type sampler struct {
	stamps *[stampCount]Stamp // in this core's memory
	taken  *uint64            // Latency.Taken in the receiver's
	number uint64             // stamps written
	line   uint64             // where the last sample was due
	tsc    uint64             // and when
	gap    uint64             // messages from there on at that pace, at least 1
	due    uint64             // where the next one is, in its turn
	stood  uint64             // messages that the stamps stand for so far
	extra  bool               // the next one is out of turn
}

// newSampler makes the sampler of the end that writes own.
func newSampler(own, peer *Stats) *sampler {
	return &sampler{stamps: &own.Stamps, taken: &peer.Latency.Taken, gap: 1}
}

// free reports whether a stamp may be written: the receiver shall find every one
// that it is told of. It waits for a word of the receiver's, and fetches the
// stamp's line meanwhile.
func (s *sampler) free() bool { return s.onTheWay() < stampCount }

// onTheWay is how many stamps the receiver has not taken.
func (s *sampler) onTheWay() uint64 {
	prefetchStamp(&s.stamps[s.number%stampCount])
	return s.number - atomic.LoadUint64(s.taken)
}

// stamp writes the time of line n, with which so many lines are told of. It stands
// for all messages that none stands for yet, or, out of turn, for these: what
// follows a wake-up is not like the rest.
func (s *sampler) stamp(n, now, lines uint64) {
	messages := n + 1 - s.stood
	if s.extra {
		messages = min(messages, lines)
	}
	s.stood += messages
	t := &s.stamps[s.number%stampCount]
	publish(&t.TSC, now)
	publish(&t.Line, n)
	publish(&t.Messages, messages)
	s.number++
}

// next returns the line to stamp after line n, at the pace at which lines were
// sent since the last one.
func (s *sampler) next(n, now uint64) uint64 {
	lines, cycles := n-s.line, max(now-s.tsc, 1)
	// the pace may have changed: at most twice as far as last time
	s.gap = min(max(lines*sampleEvery/cycles, 1), 2*s.gap, sampleAtMost)
	due := n + s.gap
	if s.extra { // does not put off the one whose turn it is
		due = min(due, s.due)
	}
	s.line, s.tsc, s.due, s.extra = n, now, due, false
	return due
}

// atLimit is called at the limit: it looks for room if there is none, and if a
// sample is due it sends m itself, with a stamp. Its errors are those of TrySend.
func (s *Sender) atLimit(m *Message) (sent bool, err error) {
	n := s.next
	if n == s.room {
		if err := s.look(); err != nil {
			if err == ErrFull {
				s.counts.Stalls++
				noteStall(s.ring, n)
			}
			return false, err
		}
	}
	if n != s.sampleAt {
		return false, nil
	}
	if !wellFormed(m.Len, m.Type) {
		return false, ErrMessage
	}
	h := makeHeader(s.epoch, m.Len, m.Type, uint32(n)+1)
	free := s.sampler.free() // takes a while, so before the time
	now := timestamp()
	if free {
		s.sampler.stamp(n, now, 1)
		h |= stamped
	}
	l := &s.ring[n&uint64(len(s.ring)-1)]
	putWords(l, m)
	noteSend(s.ring, n, 1)
	publish(&l.header, h)
	s.next = n + 1
	s.counts.Messages = n + 1
	s.sample(s.sampler.next(n, now))
	return true, nil
}

// sample makes line n the next one with a stamp.
func (s *Sender) sample(n uint64) {
	s.sampleAt = n
	s.limit = min(s.room, n)
}

// hasStamp reports whether h is the header of a message that has a stamp, and
// returns it without.
func hasStamp(h uint64) (plain uint64, ok bool) {
	plain = h &^ stamped
	return plain, h != plain && wellFormed(headerLength(plain), headerType(plain))
}

// isMessage reports whether h is the header of a message, with a stamp or without.
func isMessage(h uint64) bool {
	h &^= stamped
	return wellFormed(headerLength(h), headerType(h))
}

// takeStamped takes the message in line l, the next one, if its header h is that
// of a message with a stamp.
func (r *Receiver) takeStamped(m *Message, l *Line, h uint64) bool {
	h, ok := hasStamp(h)
	want := r.epoch | uint64(uint32(r.next)+1)
	if !ok || (h^want)&(seqMask|epochMask) != 0 {
		return false
	}
	r.recorder.record(r.next, r.next+1)
	noteRecv(r.ring, r.next, 1)
	getWords(m, l)
	m.Type, m.Len = headerType(h), headerLength(h)
	r.next++
	r.counts.Messages = r.next
	if r.next == r.ackAt {
		r.giveBack(len(r.ring))
	}
	return true
}

// takeIfStamped takes the next message if it is there and has a stamp, at which a
// batch stops.
func (r *Receiver) takeIfStamped(m *Message) bool {
	l := &r.ring[r.next&uint64(len(r.ring)-1)]
	return r.takeStamped(m, l, atomic.LoadUint64(&l.header))
}

// recorder is the receiver's half.
type recorder struct {
	stats  *Stats             // in this core's memory
	stamps *[stampCount]Stamp // in the sender's
	stood  uint64             // messages that stamps stood for so far
}

// record takes the next stamp, which must be of a line from first on and before
// end, whose header or index has been loaded. The sender may write there what it
// likes: a stamp that is of another line, or from the future, is refused.
func (r *recorder) record(first, end uint64) {
	if r == nil {
		return
	}
	now := timestamp()
	l := &r.stats.Latency
	t := &r.stamps[l.Taken%stampCount]
	line, tsc := atomic.LoadUint64(&t.Line), atomic.LoadUint64(&t.TSC)
	if took := now - tsc; first <= line && line < end && tsc <= now {
		n := min(atomic.LoadUint64(&t.Messages), end-r.stood)
		r.stood += n
		r.stats.Cells.record(took, n)
		publish(&l.Max, max(l.Max, took))
	} else {
		publish(&l.Refused, l.Refused+1)
	}
	publish(&l.Taken, l.Taken+1)
}
