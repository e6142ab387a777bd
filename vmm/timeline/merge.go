package timeline

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"barreleye/urpc/trace"
)

// record is one record as it stands in a file.
type record struct {
	tsc  uint64
	a, b uint64
	kind trace.Kind
}

// ahead is how many records of a core are sorted together. A writer that was
// interrupted has an earlier number than what was written meanwhile, and a later
// time, or the reverse.
const ahead = 512

// stream is the records of one core in the order of their times.
type stream struct {
	core int
	in   *bufio.Reader
	next records // at most ahead
	last uint64  // time of the record taken last
	wait uint64  // how long the next record has waited for its cause
	end  bool
}

// records is a heap by time.
type records []record

func (r records) Len() int           { return len(r) }
func (r records) Less(i, j int) bool { return r[i].tsc < r[j].tsc }
func (r records) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *records) Push(x any)        { *r = append(*r, x.(record)) }
func (r *records) Pop() any {
	old := *r
	x := old[len(old)-1]
	*r = old[:len(old)-1]
	return x
}

// fill reads ahead.
func (s *stream) fill() error {
	var b [trace.RecordSize]byte
	for !s.end && len(s.next) < ahead {
		switch _, err := io.ReadFull(s.in, b[:]); err {
		case nil:
			heap.Push(&s.next, record{
				tsc: binary.LittleEndian.Uint64(b[0:]), a: binary.LittleEndian.Uint64(b[8:]),
				b: binary.LittleEndian.Uint64(b[16:]), kind: trace.Kind(b[24]),
			})
		case io.EOF, io.ErrUnexpectedEOF: // a run that still writes
			s.end = true
		default:
			return fmt.Errorf("trace: %w", err)
		}
	}
	return nil
}

// time is when the next record has its turn: not before one that was taken already.
func (s *stream) time() uint64 { return max(s.next[0].tsc, s.last) + s.wait }

// take removes the next record, which is not older than its cause.
func (s *stream) take(cause uint64) record {
	r := heap.Pop(&s.next).(record)
	r.tsc = max(r.tsc, s.last, cause)
	s.last, s.wait = r.tsc, 0
	return r
}

// merge is the records of all cores in the order of their times.
type merge struct {
	streams []*stream // with a next record, a heap by its time
	files   []*os.File
}

func (m *merge) Len() int           { return len(m.streams) }
func (m *merge) Less(i, j int) bool { return m.streams[i].time() < m.streams[j].time() }
func (m *merge) Swap(i, j int)      { m.streams[i], m.streams[j] = m.streams[j], m.streams[i] }
func (m *merge) Push(x any)         { m.streams = append(m.streams, x.(*stream)) }
func (m *merge) Pop() any {
	x := m.streams[len(m.streams)-1]
	m.streams = m.streams[:len(m.streams)-1]
	return x
}

// open opens the records of a run.
func open(dir string) (meta Meta, m *merge, err error) {
	dir = filepath.Join(dir, Folder)
	text, err := os.ReadFile(filepath.Join(dir, MetaFile))
	if err != nil {
		return meta, nil, fmt.Errorf("trace: %w: the run was not traced: start it with --trace", err)
	}
	if err := json.Unmarshal(text, &meta); err != nil {
		return meta, nil, fmt.Errorf("trace: %s: %w: the run was written by another version", filepath.Join(dir, MetaFile), err)
	}
	m = &merge{}
	for i := range meta.Cores + 1 {
		f, err := os.Open(filepath.Join(dir, File(i)))
		if err != nil {
			m.close()
			return meta, nil, fmt.Errorf("trace: %w: the run's folder is not complete", err)
		}
		m.files = append(m.files, f)
		s := &stream{core: i, in: bufio.NewReaderSize(f, 1<<16)}
		if err := s.fill(); err != nil {
			m.close()
			return meta, nil, err
		}
		if len(s.next) > 0 {
			heap.Push(m, s)
		}
	}
	return meta, m, nil
}

// Processors read the TSC early, so a receive may seem older than its send, by some
// 50 cycles. It waits so long for it, in steps.
const (
	maxWait  = 1000
	waitStep = 50
)

// take returns the next record of all, and its core; false at the end. cause tells
// when what must come before a record was, and false if that was not seen yet.
func (m *merge) take(cause func(core int, r record) (uint64, bool)) (core int, r record, ok bool, err error) {
	if len(m.streams) == 0 {
		return 0, r, false, nil
	}
	s := m.streams[0]
	since, seen := cause(s.core, s.next[0])
	for !seen && s.wait < maxWait {
		s.wait += waitStep
		heap.Fix(m, 0)
		s = m.streams[0]
		since, seen = cause(s.core, s.next[0])
	}
	r = s.take(since)
	if err := s.fill(); err != nil {
		return 0, r, false, err
	}
	if len(s.next) == 0 {
		heap.Pop(m)
	} else {
		heap.Fix(m, 0)
	}
	return s.core, r, true, nil
}

func (m *merge) close() {
	for _, f := range m.files {
		f.Close()
	}
}
