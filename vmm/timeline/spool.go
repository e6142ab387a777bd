package timeline

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"barreleye/urpc/trace"
)

// Folder is where a run's records are, in the run's folder.
const Folder = "trace"

// MetaFile is the file beside the records that says what they need to be read.
const MetaFile = "meta.json"

// Meta is what it takes to understand records. Its JSON names are stable.
type Meta struct {
	Image    string     `json:"image"`
	Platform string     `json:"platform"`
	Cores    int        `json:"cores"`
	Ring     int        `json:"ring_lines"` // with Pool and Cores the region's geometry
	Pool     int        `json:"pool_pages"`
	TSCKHz   uint64     `json:"tsc_khz"`
	TSC      uint64     `json:"tsc"` // when the trace began
	Started  time.Time  `json:"started"`
	Names    [][]string `json:"names"`   // of each core's spans and so on; at the end
	Dropped  []uint64   `json:"dropped"` // by each core, and last the VMM; at the end
}

// MaxRecords is how many records of a core are kept. More cannot be looked at, and
// would fill the disk.
const MaxRecords = 8 << 20

// Pace of the copying: a core that sends all the time fills its ring in some 6 ms.
const (
	quickPace = time.Millisecond
	slowPace  = 4 * time.Millisecond
	batch     = 4096 // records copied at a time
)

// Spool copies records to files while cores run.
type Spool struct {
	dir     string
	meta    Meta
	sources []*source
	names   func(core int) []string
	live    bool
	stop    chan struct{}
	done    chan struct{}
	err     error
}

// source is the ring of one core, or the VMM's, and its file.
type source struct {
	reader  *trace.Reader
	file    *os.File
	out     *bufio.Writer
	written uint64
	refused uint64        // read, but beyond MaxRecords or what the disk takes
	lost    atomic.Uint64 // all that were dropped so far
}

// Config says what to copy and where to.
type Config struct {
	Dir   string // folder of the run
	Meta  Meta
	Rings []trace.Ring // of the cores, and last the VMM's
	Names func(core int) []string
	Live  bool // cores still write when it is closed: what is not finished then came later
}

// File returns the name of the file with the records of a core; the VMM's number
// is that of cores.
func File(core int) string { return "records-" + strconv.Itoa(core) }

// NewSpool makes the files and begins to copy.
func NewSpool(c Config) (*Spool, error) {
	s := &Spool{dir: filepath.Join(c.Dir, Folder), meta: c.Meta, names: c.Names, live: c.Live, stop: make(chan struct{}), done: make(chan struct{})}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, fmt.Errorf("trace: %w: use --dir with a writable folder", err)
	}
	for i, ring := range c.Rings {
		f, err := os.Create(filepath.Join(s.dir, File(i)))
		if err != nil {
			s.close()
			return nil, fmt.Errorf("trace: %w: free some space, or raise the limit on open files (ulimit -n)", err)
		}
		reader := trace.NewReader(ring)
		reader.Skip() // of an earlier trace
		s.sources = append(s.sources, &source{reader: reader, file: f, out: bufio.NewWriterSize(f, batch*trace.RecordSize)})
	}
	if err := s.writeMeta(); err != nil {
		s.close()
		return nil, err
	}
	go s.work()
	return s, nil
}

// work copies until it is told to stop.
func (s *Spool) work() {
	defer close(s.done)
	buf := make([]trace.Record, batch)
	timer := time.NewTimer(quickPace)
	for {
		select {
		case <-s.stop:
			for _, src := range s.sources {
				src.copy(buf, !s.live)
			}
			return
		case <-timer.C:
		}
		most := 0
		for _, src := range s.sources {
			most = max(most, src.copy(buf, false))
		}
		if most > batch {
			timer.Reset(quickPace)
		} else {
			timer.Reset(slowPace)
		}
	}
}

// copy takes what a ring has and returns how many records that were.
func (src *source) copy(buf []trace.Record, last bool) (copied int) {
	for n := src.reader.Read(buf, last); n > 0; n = src.reader.Read(buf, last) {
		copied += n
		src.store(buf[:n])
		if !last && copied >= 16*batch {
			break // the others fill up too
		}
	}
	if err := src.out.Flush(); err != nil {
		src.refused += uint64(src.out.Buffered()) / trace.RecordSize
		src.out.Reset(src.file)
	}
	src.lost.Store(src.reader.Dropped() + src.refused)
	return copied
}

// store appends records to the file: TSC, arguments, kind, 8 bytes each.
func (src *source) store(records []trace.Record) {
	if room := MaxRecords - src.written; uint64(len(records)) > room {
		src.refused += uint64(len(records)) - room
		records = records[:room]
	}
	var b [trace.RecordSize]byte
	for i := range records {
		r := &records[i]
		binary.LittleEndian.PutUint64(b[0:], r.TSC)
		binary.LittleEndian.PutUint64(b[8:], r.A)
		binary.LittleEndian.PutUint64(b[16:], r.B)
		binary.LittleEndian.PutUint64(b[24:], uint64(r.Kind()))
		src.out.Write(b[:]) // an error stays, Flush tells of it
	}
	src.written += uint64(len(records))
}

// Lost returns how many records of a core were lost so far.
func (s *Spool) Lost(core int) uint64 { return s.sources[core].lost.Load() }

// Dropped returns how many records of each core were lost. Call it after Close.
func (s *Spool) Dropped() []uint64 { return s.meta.Dropped }

// Close copies what is left, and writes down names and losses. No core writes any more,
// but where the spool is live.
func (s *Spool) Close() error {
	close(s.stop)
	<-s.done
	s.meta.Dropped, s.meta.Names = nil, nil
	for i, src := range s.sources {
		s.meta.Dropped = append(s.meta.Dropped, src.lost.Load())
		if i < s.meta.Cores {
			s.meta.Names = append(s.meta.Names, s.names(i))
		}
	}
	return errors.Join(s.writeMeta(), s.close())
}

// writeMeta replaces the file that describes the others.
func (s *Spool) writeMeta() error {
	text, err := json.Marshal(s.meta)
	if err != nil {
		return fmt.Errorf("trace: description: %w: report it", err)
	}
	name := filepath.Join(s.dir, MetaFile)
	if err := os.WriteFile(name+".new", text, 0o644); err != nil {
		return fmt.Errorf("trace: %w: free some space in the run's folder", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("trace: %w: use --dir with a writable folder", err)
	}
	return nil
}

func (s *Spool) close() (err error) {
	for _, src := range s.sources {
		err = errors.Join(err, src.file.Close())
	}
	return err
}
