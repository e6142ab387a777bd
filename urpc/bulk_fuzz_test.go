package urpc

import (
	"context"
	"testing"
)

// As in fuzz_test.go: the peer writes anything anywhere.

func FuzzBulkReceiverHostile(f *testing.F) {
	f.Add([]byte("\x00\x40\x01\x02\x00\x00\x00\x00\x38\x07\x40\x40\x40"))
	f.Add([]byte("\x03\x41\x03\x11\x42\x12\x00\x43\x40\x02\x40\x80\x05\x41\x90"))
	const lines = 16
	mem := guarded(f, SideBytes(lines))
	rx := must(ControlOf(guarded(f, pageSize)))
	own := must(SideOf(guarded(f, SideBytes(lines)), lines)).Stats
	side := must(SideOf(mem, lines))
	f.Fuzz(func(t *testing.T, data []byte) {
		clear(mem)
		*rx, *own = Control{}, Stats{}
		in := &script{data}
		asleep := uint64(1)
		sleep := &meddler{}
		r := must(NewBulkReceiver(side.Ring, rx, side.Tx, Link{Epoch: 7, Polls: -1, Sleeper: sleep,
			Bell: &Bell{Asleep: &asleep, Ring: func() {}}}))
		begin := starts[int(in.byte())%len(starts)]
		r.next, r.have, r.acked, r.rung, r.ackAt = begin, begin, begin, begin, begin+r.every
		side.Tx.index = r.epoch | begin
		r.seen = side.Tx.index
		r.recorder = &recorder{stats: own, stamps: &side.Stats.Stamps, stood: begin}
		write := func() {
			switch op := in.byte(); op % 8 {
			case 0, 1, 2: // a few lines more
				blocksOf(side.Ring)[op%lines][op%8] = in.word()
				side.Tx.index = r.epoch | r.have + uint64(in.byte()%20) | uint64(op>>3)%2*indexOdd
				side.Stats.Stamps[op>>4%stampCount] = Stamp{Line: r.have + uint64(op>>6), TSC: in.word(), Messages: uint64(in.byte())}
			case 3:
				side.Tx.index = r.epoch | indexClosed | r.have + uint64(op>>6)
			case 4: // nearly right
				side.Tx.index = (r.epoch | r.have + 1) ^ 1<<(in.byte()%64)
			case 5:
				side.Tx.index = in.word()
			case 6:
				wordsOf(mem)[int(in.word()%uint64(len(mem)/8))] = in.word()
			case 7:
				asleep = in.word()
			}
		}
		sleep.write = write
		var sticky error
		for steps := 0; len(in.data) > 0 && steps < 500; steps++ {
			op := in.byte()
			for range op >> 6 {
				write()
			}
			before := r.next
			var blocks [24]Block
			var n int
			var err error
			switch op % 4 {
			case 0:
				var place []Block
				if place, err = r.Peek(); err == nil {
					if len(place) == 0 || len(place) > lines {
						t.Fatalf("%d lines of a ring of %d", len(place), lines)
					}
					n = len(place)
					r.Release(n)
				}
			case 1:
				n, err = r.RecvBatch(blocks[:1+in.byte()%24])
			case 2:
				sleep.left = 3
				n, err = r.Recv(context.Background(), blocks[:1+in.byte()%24])
			case 3:
				r.Ack()
				_, err = r.Peek()
			}
			if r.next-before != uint64(n) || n > 0 && err != nil {
				t.Fatalf("%d lines moved from %d to %d, %v", n, before, r.next, err)
			}
			if r.have < r.next || r.have-r.acked > lines || *rx != (Control{ack: rx.ack}) || rx.ack != 0 && rx.ack != r.acked {
				t.Fatalf("next %d, have %d, acked %d, control %+v", r.next, r.have, r.acked, *rx)
			}
			sticky = judge(t, err, sticky, ErrEmpty, context.Canceled)
		}
		stood := uint64(0)
		for _, n := range own.Cells.Each {
			stood += uint64(n)
		}
		if stood > r.next+lines-begin || own.Latency.Refused > own.Latency.Taken {
			t.Fatalf("stamps stand for %d lines, %d taken, %+v", stood, r.next-begin, own.Latency)
		}
		r.Close()
		if _, err := r.Peek(); err != ErrClosed {
			t.Fatalf("after own Close: %v", err)
		}
	})
}

func FuzzBulkSenderHostile(f *testing.F) {
	f.Add([]byte("\x00\x40\x01\x02\x00\x00\x00\x00\x38\x07\x40\x40\x40"))
	f.Add([]byte("\x01\x03\x03\x03\x41\x01\x08\x42\x02\x12\x00\x43\x40"))
	const lines = 16
	mem, ctl := guarded(f, SideBytes(lines)), guarded(f, pageSize)
	rx := must(ControlOf(ctl))
	side := must(SideOf(mem, lines))
	f.Fuzz(func(t *testing.T, data []byte) {
		clear(mem)
		clear(ctl)
		in := &script{data}
		asleep := uint64(1)
		sleep := &meddler{}
		s := must(NewBulkSender(side.Ring, side.Tx, rx, Link{Epoch: 7, Polls: -1, Sleeper: sleep,
			Bell: &Bell{Asleep: &asleep, Ring: func() {}}}))
		begin := starts[int(in.byte())%len(starts)]
		s.next, s.told, s.acked, s.flushed, s.seen = begin, begin, begin, begin, begin
		s.limit, s.tellAt, rx.ack = begin+lines, begin+s.every, begin
		s.sampler = &bulkSampler{sampler: sampler{stamps: &side.Stats.Stamps, taken: &wordsOf(ctl)[LineSize/8], gap: 1}, at: begin}
		write := func() {
			switch op := in.byte(); op % 8 {
			case 0, 1, 2, 3:
				rx.ack = s.acked + uint64(in.byte()%20)
			case 4:
				rx.ack |= ackClosed
			case 5:
				rx.ack = in.word()
			case 6:
				wordsOf(ctl)[in.byte()%9] = in.word()
			case 7:
				asleep = in.word()
			}
		}
		sleep.write = write
		var sticky error
		for steps := 0; len(in.data) > 0 && steps < 500; steps++ {
			op := in.byte()
			for range op >> 6 {
				write()
			}
			before := s.next
			var blocks [24]Block
			var err error
			switch op % 4 {
			case 0:
				var place []Block
				if place, err = s.Reserve(1 + int(in.byte())); err == nil {
					if len(place) == 0 || len(place) > lines {
						t.Fatalf("%d lines of a ring of %d", len(place), lines)
					}
					s.Commit(len(place))
				}
			case 1:
				_, err = s.SendBatch(blocks[:1+in.byte()%24])
			case 2:
				sleep.left = 3
				err = s.Send(context.Background(), blocks[:1+in.byte()%24])
			case 3:
				s.Flush()
				continue
			}
			sticky = judge(t, err, sticky, ErrFull, context.Canceled)
			index := side.Tx.index &^ indexOdd
			if s.next < before || s.next-s.acked > lines || s.told > s.next || index != 0 && index != s.epoch|s.told {
				t.Fatalf("next %d, told %d, acked %d, index %#x", s.next, s.told, s.acked, index)
			}
		}
		s.Close()
		if _, err := s.Reserve(1); err != ErrClosed {
			t.Fatalf("after own Close: %v", err)
		}
	})
}
