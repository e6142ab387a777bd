package observe

import (
	"barreleye/devices/logring"
	"barreleye/devices/region"
)

// Source yields what one life of a core writes, record by record, in order.
// Only the goroutine that drains the logs calls it.
type Source interface {
	// Next returns the next record and true, or false when there is none now;
	// it never waits. Text is valid until the next call. An error says that
	// records were lost; the source goes on after it.
	Next() (logring.Record, bool, error)
	// Release says that the records returned so far are stored: their writer
	// may reuse the space.
	Release()
}

// RingSource drains a core's log ring.
type RingSource struct {
	*logring.Reader
	counters *region.Counters
	wake     func()
	blocks   uint64 // writers blocked so far, as last seen
}

// NewRingSource drains the log ring of a core. wake rings the core if it
// sleeps; it is called where a writer of the core waits for space and there is
// some again.
func NewRingSource(view *region.View, core int, wake func()) *RingSource {
	return &RingSource{Reader: logring.NewReader(view.Log(core)), counters: &view.Block(core).Counters, wake: wake}
}

// Next is Source.Next. A writer that found the ring full counted itself before
// it slept, and the core is asleep only when all of its threads are: then the
// ring runs empty, and that is the moment to wake it.
func (s *RingSource) Next() (logring.Record, bool, error) {
	rec, ok, err := s.Reader.Next()
	if !ok && s.counters.LogBlocks != s.blocks {
		s.Release()
		s.blocks = s.counters.LogBlocks
		s.wake()
	}
	return rec, ok, err
}
