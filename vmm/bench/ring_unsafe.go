package bench

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"unsafe"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/urpc"
	"barreleye/urpc/limit"
)

// RingPosition is where the ring from core 0 to core 1 lay in the last run. Its
// pages' addresses are the host's: where the host is a virtual machine itself, no
// more than its hypervisor shows it.
type RingPosition struct {
	VA       string `json:"va"`        // in every core
	Lines    int    `json:"lines"`     // of 64 bytes
	PageSize int    `json:"page_size"` // of the host's mapping, bytes, 0: unknown
	Huge     bool   `json:"huge"`      // the host maps some of the region by huge pages
	Pages    int    `json:"pages"`     // of 4 KiB
	Runs     int    `json:"runs"`      // of consecutive physical pages, 0: unknown (only root may see)
}

// placed notes where the ring of a run is, while its memory is mapped.
func (w *Watch) placed(v *region.View) {
	if w == nil || v.Cores < 2 {
		return
	}
	base, lines := uintptr(unsafe.Pointer(v.Header())), v.Lines(region.ChannelProgram)
	at := v.Side(region.ChannelProgram, 0, 1)
	p := &RingPosition{VA: fmt.Sprintf("%#x", layout.RegionVA+uint64(at-base)), Lines: lines}
	p.Pages = (lines*64 + layout.PageSize - 1) / layout.PageSize
	p.Runs = physicalRuns(at, p.Pages)
	p.PageSize, p.Huge = backing(at)
	w.env.Ring = p
}

// physicalRuns counts the runs of consecutive physical pages below n pages of
// this process, 0 if it may not know.
func physicalRuns(at uintptr, n int) (runs int) {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return 0
	}
	defer f.Close()
	// Linux maps a page into this process when it first touches it; cores that are
	// virtual machines touch it elsewhere.
	for i := range n {
		page := at + uintptr(i*layout.PageSize)
		atomic.LoadUint64(*(**uint64)(unsafe.Pointer(&page)))
	}
	entries := make([]byte, 8*n)
	if _, err := f.ReadAt(entries, int64(at/layout.PageSize*8)); err != nil {
		return 0
	}
	const frameBits, present = 1<<55 - 1, 1 << 63
	var last uint64
	for i := range n {
		e := binary.NativeEndian.Uint64(entries[8*i:])
		frame := e & frameBits
		if e&present == 0 || frame == 0 {
			return 0
		}
		if i == 0 || frame != last+1 {
			runs++
		}
		last = frame
	}
	return runs
}

// backing returns the page size of the mapping at an address of this process, and
// whether Linux backs some of it by larger pages.
func backing(at uintptr) (size int, huge bool) {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	inside := false
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) < 2 {
			continue
		}
		if lo, hi, ok := strings.Cut(fields[0], "-"); ok && len(fields) >= 5 {
			from, e1 := strconv.ParseUint(lo, 16, 64)
			to, e2 := strconv.ParseUint(hi, 16, 64)
			inside = e1 == nil && e2 == nil && from <= uint64(at) && uint64(at) < to
			continue
		}
		if !inside {
			continue
		}
		kib, _ := strconv.Atoi(fields[1])
		switch fields[0] {
		case "KernelPageSize:":
			size = kib << 10
		case "AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:":
			huge = huge || kib > 0
		}
	}
	return size, huge
}

// limitLine views a line as package limit does.
func limitLine(l *urpc.Line) *limit.Line { return (*limit.Line)(unsafe.Pointer(l)) }

const _ = -(unsafe.Sizeof(limit.Line{}) - unsafe.Sizeof(urpc.Line{}))
