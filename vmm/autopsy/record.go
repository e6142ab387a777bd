// Package autopsy keeps what a life of a core left, for whoever asks why it
// ended: how, registers and stacks, counters, what is mapped, the last messages
// on its channels, its last lines. Capture reads it from the dead core and the shared
// region, which the guest wrote and may have filled with anything; Write puts it
// into the run's folder as JSON, Read takes it from there without trusting the
// file, and Show prints it on a page.
package autopsy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Record is what is known of one life that ended. Its JSON names are stable.
type Record struct {
	Image    string    `json:"image"`
	Platform string    `json:"platform"` // "kvm (pvm)" or "hosted"
	Core     int       `json:"core"`
	Life     uint64    `json:"life"` // 1 for the core's first
	Ended    time.Time `json:"ended"`
	End      string    `json:"end"` // one line: how
	Crashed  bool      `json:"crashed"`
	CoreFile string    `json:"core_file,omitempty"` // in the same folder
	Threads  []Thread  `json:"threads"`             // that at whose doing it ended first
	Channels []Channel `json:"channels"`
	Counters []Counter `json:"counters"`         // those that are not zero
	Maps     []Mapping `json:"maps"`             // by kind
	Frames   []string  `json:"frames,omitempty"` // that capabilities were mapped for, as its last map table shows
	Lines    []string  `json:"lines"`            // the last that the core wrote
	Trace    []string  `json:"trace,omitempty"`  // the last records of its trace
	// Decisions are what its monitor had decided and not every other had confirmed yet.
	Decisions []string `json:"decisions,omitempty"`
}

// Thread is one thread of the program, or the CPU driver.
type Thread struct {
	TID       int      `json:"tid"`
	What      string   `json:"what"` // why it stands where it does
	Registers string   `json:"registers"`
	Stack     []string `json:"stack"` // innermost call first
}

// Channel is one direction of a channel between the core and a peer.
type Channel struct {
	Peer     int      `json:"peer"`
	Sent     bool     `json:"sent"` // by the core; else it received
	Name     string   `json:"name"` // "monitor", "program", "pages", "opened 0"
	Messages uint64   `json:"messages"`
	Taken    uint64   `json:"taken"` // received of them
	Last     []string `json:"last"`  // the last messages, oldest first
}

// Counter is one of the driver's counters.
type Counter struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
}

// Mapping sums up what of the core's address space was mapped of one kind.
type Mapping struct {
	Kind   string `json:"kind"`
	Ranges int    `json:"ranges"`
	KiB    uint64 `json:"kib"`
	Start  string `json:"start"` // of the first
}

// maxSize bounds a record's file, in bytes.
const maxSize = 4 << 20

// FileName is where the record of a life lies in the run's folder.
func FileName(core int, life uint64) string {
	return fmt.Sprintf("core-%d.life-%d.autopsy.json", core, life)
}

var fileName = regexp.MustCompile(`^core-(\d{1,5})\.life-(\d{1,19})\.autopsy\.json$`)

// Write puts the record into the run's folder.
func (r *Record) Write(dir string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, FileName(r.Core, r.Life)), b, 0o644)
	}
	if err != nil {
		return fmt.Errorf("autopsy: core %d: %w: free some space in the run's folder", r.Core, err)
	}
	return nil
}

// Lives lists the records in a run's folder by core, of one core alone unless core
// is negative: that of the given life, or with life 0 of each core's last.
func Lives(dir string, core int, life uint64) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	last := map[uint64]uint64{} // life by core
	for _, e := range entries {
		m := fileName.FindStringSubmatch(e.Name())
		if m == nil || !e.Type().IsRegular() {
			continue
		}
		c, _ := strconv.ParseUint(m[1], 10, 64)
		l, _ := strconv.ParseUint(m[2], 10, 64)
		if (core < 0 || c == uint64(core)) && (life == 0 || l == life) {
			last[c] = max(last[c], l)
		}
	}
	for _, c := range slices.Sorted(maps.Keys(last)) {
		names = append(names, filepath.Join(dir, FileName(int(c), last[c])))
	}
	return names, nil
}

// ErrDamaged says that a file is no record.
var ErrDamaged = errors.New("the file is damaged or no autopsy")

// Read reads a record from its file.
func Read(name string) (*Record, error) {
	f, err := os.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return nil, fmt.Errorf("autopsy: %w: make it readable", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("autopsy: %w", err)
	}
	return Decode(b)
}

// Decode decodes a record, which may hold anything.
func Decode(b []byte) (*Record, error) {
	if len(b) > maxSize {
		return nil, fmt.Errorf("autopsy: more than %d bytes: %w", maxSize, ErrDamaged)
	}
	r := new(Record)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("autopsy: %w: %w", ErrDamaged, err)
	}
	return r, nil
}
