package measure

import (
	"fmt"
	"sync/atomic"

	"barreleye/urpc"
	"barreleye/urpc/limit"
)

// Bulk measures streams in the bulk profile: lines copied in and out by batches,
// and lines written and read in place, word by word. suffix follows the names.
func (s *Side) Bulk(rounds int, suffix string) {
	bulk := s.bulk(BaseLines)
	s.turns(rounds,
		pattern{Series: series("stream_bulk"+suffix, Stream, "stream_vector"), ours: s.blocks(bulk), limit: s.rawVector(BaseLines)},
		pattern{Series: series("stream_bulk_in_place"+suffix, Stream, "stream_vector"), ours: s.inPlace(bulk), limit: s.rawVector(BaseLines)})
}

// sweepStream is how many messages a round of a sweep over streams has.
const sweepStream = 100_000

// RingSizes measures streams through rings of 16 to 16,384 lines in both
// profiles. The limit's ring is as long, or the longest that there is.
func (s *Side) RingSizes(rounds int, where string) {
	for lines := urpc.MinLines; lines <= urpc.MaxLines; lines *= 2 {
		conn, bulk := s.ring(lines), s.bulk(lines)
		s.turns(rounds,
			pattern{Series: series("ring_size", sweepStream, "stream_mov", "ring", lines, "profile", "latency", "where", where),
				ours: s.oneWay(conn), limit: s.rawStream(lines)},
			pattern{Series: series("ring_size", sweepStream, "stream_vector", "ring", lines, "profile", "bulk", "where", where),
				ours: s.blocks(bulk), limit: s.rawVector(lines)})
	}
}

// PayloadStream measures messages of 8 bytes to 1 MiB sent one way through a bulk
// ring, from a buffer of the sender's into one of the receiver's, and handed over
// as pages, in place and copied as well.
func (s *Side) PayloadStream(rounds int, where string) {
	bulk := s.bulk(BaseLines)
	pool, err := s.OpenPages()
	must(err)
	buffer := make([]urpc.Block, most/urpc.LineSize)
	for _, payload := range payloads {
		lines := max(payload/urpc.LineSize, 1)
		vector := s.rawVector(BaseLines)
		n := max(sweepStream/lines, 8)
		patterns := []pattern{{Series: series("payload_stream", n, "stream_vector", "payload", payload, "path", "bulk", "where", where),
			ours:  s.copied(bulk, buffer[:lines]),
			limit: func(n uint64) { vector(n * uint64(lines)) }}}
		if payload >= handedFrom {
			patterns = append(patterns,
				pattern{Series: series("payload_stream", n, "", "payload", payload, "path", "pages", "where", where),
					ours: s.handed(pool, payload, false)},
				pattern{Series: series("payload_stream", n, "", "payload", payload, "path", "pages_copied", "where", where),
					ours: s.handed(pool, payload, true)})
		}
		s.turns(rounds, patterns...)
	}
}

// NewConn opens a further channel of this side.
func (s *Side) NewConn(lines int) (*urpc.Conn, error) {
	own, peer, link, err := s.Open(lines)
	if err != nil {
		return nil, err
	}
	return urpc.NewConn(own, peer, link)
}

// ring and bulk open a channel between the two sides.
func (s *Side) ring(lines int) *urpc.Conn {
	conn, err := s.NewConn(lines)
	must(err)
	s.meet()
	return conn
}

func (s *Side) bulk(lines int) *urpc.Bulk {
	own, peer, link, err := s.Open(lines)
	must(err)
	bulk, err := urpc.NewBulk(own, peer, link)
	must(err)
	s.meet()
	return bulk
}

// bulkBatch is how many lines go into one call: enough for what the program wrote
// to have left the store buffer when it is copied.
const bulkBatch = 128

// blocks streams n lines from side 0 to side 1 by batches, every one checked by
// its first and last word.
func (s *Side) blocks(bulk *urpc.Bulk) func(n uint64) {
	batch := new([bulkBatch]urpc.Block)
	return func(n uint64) {
		if s.Me == 0 {
			sendBlocks(bulk, n, batch)
			return
		}
		for i := uint64(0); i < n; {
			taken, err := bulk.RecvBatch(batch[:min(bulkBatch, n-i)])
			if err != nil {
				if err != urpc.ErrEmpty {
					panic(err)
				}
				lag()
			}
			for j := range batch[:taken] {
				if batch[j][0] != i || batch[j][7] != i {
					panic(fmt.Sprintf("line %d reads %x", i, batch[j]))
				}
				i++
			}
		}
		bulk.Ack()
	}
}

func sendBlocks(bulk *urpc.Bulk, n uint64, batch *[bulkBatch]urpc.Block) {
	for i := uint64(0); i < n; {
		rest := batch[:min(bulkBatch, n-i)]
		for j := range rest {
			rest[j][0], rest[j][7] = i, i
			i++
		}
		for len(rest) > 0 {
			sent, err := bulk.SendBatch(rest)
			if err != nil && err != urpc.ErrFull {
				panic(err)
			}
			if rest = rest[sent:]; err != nil {
				urpc.Pause()
			}
		}
	}
	bulk.Flush()
}

// inPlace streams n lines from side 0 to side 1, each eight times its number.
func (s *Side) inPlace(bulk *urpc.Bulk) func(n uint64) {
	return func(n uint64) {
		if s.Me == 0 {
			writeLines(bulk, n)
		} else {
			readLines(bulk, n)
		}
	}
}

func writeLines(bulk *urpc.Bulk, n uint64) {
	for i := uint64(0); i < n; {
		lines, err := bulk.Reserve(int(min(n-i, urpc.MaxLines)))
		if err != nil {
			if err != urpc.ErrFull {
				panic(err)
			}
			urpc.Pause()
			continue
		}
		for j := range lines {
			l := &lines[j]
			l[0], l[1], l[2], l[3] = i, i, i, i
			l[4], l[5], l[6], l[7] = i, i, i, i
			i++
		}
		bulk.Commit(len(lines))
	}
	bulk.Flush()
}

func readLines(bulk *urpc.Bulk, n uint64) {
	for i := uint64(0); i < n; {
		lines, err := bulk.Peek()
		if err != nil {
			if err != urpc.ErrEmpty {
				panic(err)
			}
			lag()
			continue
		}
		for j := range lines {
			l := &lines[j]
			if (l[0]^i)|(l[1]^i)|(l[2]^i)|(l[3]^i)|(l[4]^i)|(l[5]^i)|(l[6]^i)|(l[7]^i) != 0 {
				panic(fmt.Sprintf("line %d reads %x", i, *l))
			}
			i++
		}
		bulk.Release(len(lines))
	}
	bulk.Ack()
}

// copied streams n messages of as many lines as the buffer has, and checks the
// first and the last word of each.
func (s *Side) copied(bulk *urpc.Bulk, buffer []urpc.Block) func(n uint64) {
	first, last := &buffer[0][0], &buffer[len(buffer)-1][7]
	return func(n uint64) {
		for i := range n {
			if s.Me == 0 {
				*first, *last = i, i
			}
			for rest := buffer; len(rest) > 0; {
				var done int
				var err error
				if s.Me == 0 {
					done, err = bulk.SendBatch(rest)
				} else {
					done, err = bulk.RecvBatch(rest)
				}
				if err != nil && err != urpc.ErrFull && err != urpc.ErrEmpty {
					panic(err)
				}
				if rest = rest[done:]; done == 0 {
					urpc.Pause()
				}
			}
			if s.Me == 1 && (*first != i || *last != i) {
				panic(fmt.Sprintf("message %d of %d lines begins with %x and ends with %x", i, len(buffer), *first, *last))
			}
		}
		if s.Me == 0 {
			bulk.Flush()
		} else {
			bulk.Ack()
		}
	}
}

// vectorFrom is above all numbers of the other streams through the same memory.
const vectorFrom = 1 << 40

// rawVector streams by vectors through a ring of so many lines.
func (s *Side) rawVector(lines int) func(n uint64) {
	lines = min(lines, len(s.Ring))
	index, ack := &s.Lines[32].Words[0], &s.Lines[40].Words[0]
	if s.vector == 0 && s.Me == 0 {
		atomic.StoreUint64(index, vectorFrom)
	} else if s.vector == 0 {
		atomic.StoreUint64(ack, vectorFrom)
	}
	return func(n uint64) {
		first := vectorFrom + s.vector + 1
		if s.Me == 0 {
			limit.VectorWrite(&s.Ring[0], uint64(lines), index, ack, first, n, urpc.VectorBytes())
		} else if sum := limit.VectorRead(&s.Ring[0], uint64(lines), index, ack, first, n, urpc.VectorBytes()); sum != 8*(n*first+n*(n-1)/2) {
			panic(fmt.Sprintf("%d messages from %d sum up to %d", n, first, sum))
		}
		s.vector += n
	}
}
