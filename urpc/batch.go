package urpc

// Batches: one call for many lines. They exist for streams, where the price of a
// call per message is what is left above the limit.

// fetchFrom is the size of a ring, in lines, from which on a sender of batches
// fetches lines before their turn, as many as a receiver does. On smaller rings it
// would take lines away that the receiver is about to read.
const fetchFrom = 256

// SendBatch puts as many of msgs into the ring as there is room for and returns
// their number. It wakes nobody. The error says why it stopped: nil if all are
// sent, otherwise as TrySend for the first one not sent. It does not allocate.
func (s *Sender) SendBatch(msgs []Message) (sent int, err error) {
	for sent < len(msgs) {
		if s.next == s.limit {
			one, err := s.atLimit(&msgs[sent])
			if err != nil {
				return sent, err
			}
			if one {
				sent++
				continue
			}
		}
		i := s.next & uint64(len(s.ring)-1)
		lines := s.ring[i:min(i+s.limit-s.next, uint64(len(s.ring)))]
		want := min(len(lines), len(msgs)-sent)
		noteSend(s.ring, s.next, uint64(want))
		n := putLines(lines, msgs[sent:sent+want], s.epoch, uint32(s.next)+1, len(s.ring) >= fetchFrom)
		s.next += uint64(n)
		s.counts.Messages = s.next
		sent += n
		if n < want {
			return sent, ErrMessage
		}
	}
	return sent, nil
}

// RecvBatch takes as many messages as there are and fit into msgs and returns
// their number. The error is nil if there was at least one or msgs is empty,
// otherwise as TryRecv. It does not allocate.
func (r *Receiver) RecvBatch(msgs []Message) (taken int, err error) {
	for taken < len(msgs) && r.err == nil {
		i := r.next & uint64(len(r.ring)-1)
		lines := r.ring[i:min(i+r.ackAt-r.next, uint64(len(r.ring)))]
		want := min(len(lines), len(msgs)-taken)
		n := takeLines(msgs[taken:taken+want], lines[:want], r.epoch, uint32(r.next)+1)
		if n > 0 {
			noteRecv(r.ring, r.next, uint64(n))
		}
		r.next += uint64(n)
		r.counts.Messages = r.next
		taken += n
		if r.next == r.ackAt {
			r.giveBack(len(r.ring))
		}
		if n < want {
			if r.recorder == nil || !r.takeIfStamped(&msgs[taken]) {
				break
			}
			taken++
		}
	}
	if taken > 0 || len(msgs) == 0 {
		return taken, nil
	}
	if err := r.TryRecv(&msgs[0]); err != nil {
		return 0, err
	}
	return 1, nil
}
