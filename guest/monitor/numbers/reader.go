// Package numbers reads the numbers in what another core says, saved or reports, of which
// nothing can be trusted.
package numbers

import "encoding/binary"

// Reader reads numbers as binary.AppendUvarint writes them.
type Reader struct {
	Rest []byte // what is not read yet
	Bad  bool   // Rest ended in the middle of a number, or one was too large
}

// Below returns the next number. One that is not below limit, or is not whole, is 0, stays
// in Rest, and makes the reader Bad for good.
func (r *Reader) Below(limit uint64) uint64 {
	v, n := binary.Uvarint(r.Rest)
	if n <= 0 || v >= limit {
		r.Bad = true
		return 0
	}
	r.Rest = r.Rest[n:]
	return v
}
