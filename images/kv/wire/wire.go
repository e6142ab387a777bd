// Package wire is how requests and answers of the key-value store lie in URPC
// messages. One of each is one message, one cache line; the messages of a channel
// stay in order, so an answer needs no more than its request's tag.
//
//	            type        word 0   words 1-2   words 3-6       length
//	request     1 get       tag      key         -               24
//	            2 put       tag      key         value           24 + value
//	            3 delete    tag      key         -               24
//
//	            type        word 0   words 1-4                   length
//	answer      16 found    tag      value                       8 + value
//	            17 missing  tag      -                           8
//	            18 stored   tag      -                           8
//	            19 deleted  tag      -                           8
//
// What lies behind a message's length is zero.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"barreleye/images/kv/store"
	"barreleye/urpc"
)

// ErrMalformed says that a message is none of this protocol.
var ErrMalformed = errors.New("kv: malformed message; both cores must run the same image")

const (
	requestHead = 8 + store.KeySize // tag and key
	answerHead  = 8                 // tag
	firstAnswer = 16                // type of an answer with status 1
)

// PutRequest makes m the request r.
func PutRequest(m *urpc.Message, tag uint64, r *store.Request) {
	m.Type, m.Len = uint16(r.Op), requestHead
	m.Words[0] = tag
	m.Words[1] = binary.LittleEndian.Uint64(r.Key[:8])
	m.Words[2] = binary.LittleEndian.Uint64(r.Key[8:])
	if r.Op == store.Put {
		m.Len += r.Value.Len
	}
	putValue((*[4]uint64)(m.Words[3:7]), &r.Value)
}

// Request reads a request out of m.
func Request(m *urpc.Message, r *store.Request) (tag uint64, err error) {
	n := m.Len - requestHead // wraps below 0, and is too long then
	switch op := store.Op(m.Type); {
	case m.Type < uint16(store.Get) || m.Type > uint16(store.Delete),
		n > store.MaxValue, op != store.Put && n != 0:
		return 0, fmt.Errorf("request of type %d and %d bytes: %w", m.Type, m.Len, ErrMalformed)
	default:
		r.Op = op
	}
	binary.LittleEndian.PutUint64(r.Key[:8], m.Words[1])
	binary.LittleEndian.PutUint64(r.Key[8:], m.Words[2])
	r.Value.Len = n
	value((*[4]uint64)(m.Words[3:7]), &r.Value)
	return m.Words[0], nil
}

// PutAnswer makes m the answer a.
func PutAnswer(m *urpc.Message, tag uint64, a *store.Answer) {
	m.Type, m.Len = firstAnswer-1+uint16(a.Status), answerHead+a.Value.Len
	m.Words[0] = tag
	putValue((*[4]uint64)(m.Words[1:5]), &a.Value)
	m.Words[5], m.Words[6] = 0, 0
}

// Answer reads an answer out of m.
func Answer(m *urpc.Message, a *store.Answer) (tag uint64, err error) {
	n := m.Len - answerHead
	status := m.Type - firstAnswer + 1
	if status < uint16(store.Found) || status > uint16(store.Deleted) ||
		n > store.MaxValue || status != uint16(store.Found) && n != 0 {
		return 0, fmt.Errorf("answer of type %d and %d bytes: %w", m.Type, m.Len, ErrMalformed)
	}
	a.Status = store.Status(status)
	a.Value.Len = n
	value((*[4]uint64)(m.Words[1:5]), &a.Value)
	return m.Words[0], nil
}

// putValue and value copy all words: a copy of fixed size is four moves.
func putValue(w *[4]uint64, v *store.Value) {
	w[0] = binary.LittleEndian.Uint64(v.Data[0:8])
	w[1] = binary.LittleEndian.Uint64(v.Data[8:16])
	w[2] = binary.LittleEndian.Uint64(v.Data[16:24])
	w[3] = binary.LittleEndian.Uint64(v.Data[24:32])
}

func value(w *[4]uint64, v *store.Value) {
	binary.LittleEndian.PutUint64(v.Data[0:8], w[0])
	binary.LittleEndian.PutUint64(v.Data[8:16], w[1])
	binary.LittleEndian.PutUint64(v.Data[16:24], w[2])
	binary.LittleEndian.PutUint64(v.Data[24:32], w[3])
}
