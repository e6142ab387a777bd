package files

import (
	"fmt"

	"barreleye/devices/filetree"
	"barreleye/devices/layout"
	"barreleye/vmm/hostmem"

	"golang.org/x/sys/unix"
)

// LayOut reads every file of the plan into memory that allocate makes, as the
// tree that cores see.
func LayOut(plan *filetree.Plan, allocate func(size uint64) (*hostmem.Memory, error)) (*hostmem.Memory, error) {
	l := plan.Layout()
	if l.Size > MaxBytes {
		return nil, fmt.Errorf("run: files: %d MiB: give at most %d MiB", l.Size>>20, MaxBytes>>20)
	}
	// guests map it by huge pages
	m, err := allocate((l.Size + layout.HugeSize - 1) &^ (layout.HugeSize - 1))
	if err != nil {
		return nil, err
	}
	m.Advise(0, l.Size&^(layout.HugeSize-1), unix.MADV_HUGEPAGE)
	if err := l.Write(m.Bytes); err != nil {
		m.Free()
		return nil, fmt.Errorf("run: files: %w", err)
	}
	return m, nil
}
