package agreement

import (
	"encoding/binary"
	"sync/atomic"

	"barreleye/guest/monitor/cores"
	"barreleye/urpc"
)

// RecordWords is the size of a Record in memory, in words.
const RecordWords = 64

// Words: 0 the sequence, 0 where there is no record; 1 the epoch; 2 the operation's length,
// bit 16 All, bit 17 Apply, bits 32-47 words of To; from 3 on To, then the operation. The
// sequence is written last and erased first: its writer may die at any instruction.
const (
	recordTo    = 3
	recordAll   = 1 << 16
	recordApply = 1 << 17
	toShift     = 32
)

const _ = uint(RecordWords - recordTo - cores.Max/64 - MaxOp/8)

// Store writes the record into its place.
func (r *Record) Store(w *[RecordWords]uint64) {
	urpc.Publish(&w[0], 0)
	if r.Seq == 0 {
		return
	}
	to := r.To.Words()
	w[1] = r.Epoch
	w[2] = uint64(len(r.Op)) | uint64(b2i(r.All))*recordAll | uint64(b2i(r.Apply))*recordApply | uint64(len(to))<<toShift
	for i, x := range to {
		w[recordTo+i] = x
	}
	put(w[recordTo+len(to):], string(r.Op))
	urpc.Publish(&w[0], r.Seq)
}

// LoadRecord reads the record of a core that does not run any more. It takes what no Store
// wrote for none.
func LoadRecord(w *[RecordWords]uint64) (r Record) {
	seq, flags := atomic.LoadUint64(&w[0]), w[2]
	length, words := int(uint16(flags)), int(uint16(flags>>toShift))
	if seq == 0 || length > MaxOp || words > cores.SetWords {
		return r
	}
	r = Record{Seq: seq, Epoch: w[1], All: flags&recordAll != 0, Apply: flags&recordApply != 0}
	for i := range words {
		r.To.SetWord(i, w[recordTo+i])
	}
	r.Op = Op(take(nil, w[recordTo+words:], length))
	return r
}

// take appends n bytes of words to b: the reverse of put.
func take(b []byte, words []uint64, n int) []byte {
	for ; n >= 8; n -= 8 {
		b = binary.LittleEndian.AppendUint64(b, words[0])
		words = words[1:]
	}
	for i := range n {
		b = append(b, byte(words[0]>>(8*i)))
	}
	return b
}
