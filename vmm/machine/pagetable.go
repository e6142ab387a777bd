package machine

import (
	"encoding/binary"
	"fmt"

	"barreleye/devices/layout"
)

// Page-table entry bits (SDM vol. 3, 4.5.4).
const (
	ptePresent = 1 << 0
	pteWrite   = 1 << 1
	pteUser    = 1 << 2
	pteNoCache = 1<<3 | 1<<4
	pteUsed    = 1<<5 | 1<<6
	pteHuge    = 1 << 7
	pteNX      = 1 << 63
	pteAddress = 0x000f_ffff_ffff_f000
)

// Access of a mapping, as entry bits.
const (
	userRX       = ptePresent | pteUser | pteUsed
	userR        = ptePresent | pteUser | pteUsed | pteNX
	userRW       = ptePresent | pteUser | pteWrite | pteUsed | pteNX
	userDevice   = userRW | pteNoCache
	systemR      = ptePresent | pteUsed | pteNX
	systemRX     = ptePresent | pteUsed
	systemRW     = ptePresent | pteWrite | pteUsed | pteNX
	systemDevice = systemRW | pteNoCache
)

// pageTables builds a guest's first page tables in its RAM, from a pool of
// pages that the driver goes on to use. Page 0 of the pool is the root.
type pageTables struct {
	ram   []byte
	pool  uint64 // offset of the pool in RAM
	pages uint64
	used  uint64
}

func (t *pageTables) entry(table, index uint64) []byte {
	at := table - layout.RAMGPA + index*8
	return t.ram[at : at+8]
}

// walk returns the entry for va at level (1: 4 KiB, 2: 2 MiB), with all tables
// above it present.
func (t *pageTables) walk(va uint64, level uint) ([]byte, error) {
	table := t.pool + layout.RAMGPA
	for l := uint(4); ; l-- {
		e := t.entry(table, va>>(12+9*(l-1))&511)
		if l == level {
			return e, nil
		}
		v := binary.LittleEndian.Uint64(e)
		if v == 0 {
			if t.used == t.pages {
				return nil, fmt.Errorf("machine: %d page-table pages are not enough for the first mappings: use a larger --memory", t.pages)
			}
			v = t.pool + t.used*layout.PageSize + layout.RAMGPA | ptePresent | pteWrite | pteUser | pteUsed
			t.used++
			binary.LittleEndian.PutUint64(e, v)
		}
		table = v & pteAddress
	}
}

// mapRange maps size bytes at va to gpa, by huge pages where asked for.
func (t *pageTables) mapRange(va, gpa, size, access uint64, huge bool) error {
	step, level := uint64(layout.PageSize), uint(1)
	if huge {
		step, level, access = layout.HugeSize, 2, access|pteHuge
	}
	for o := uint64(0); o < size; o += step {
		e, err := t.walk(va+o, level)
		if err != nil {
			return err
		}
		binary.LittleEndian.PutUint64(e, gpa+o|access)
	}
	return nil
}

// Translate walks the page tables as they stand now and returns the
// guest-physical address of va.
func (m *Machine) Translate(va uint64) (gpa uint64, ok bool) {
	table := m.tables.pool + layout.RAMGPA
	for l := uint(4); l > 0; l-- {
		at := table - layout.RAMGPA + va>>(12+9*(l-1))&511*8 // far beyond where the table lies below
		if at > uint64(len(m.ram.Bytes))-8 {
			return 0, false
		}
		v := binary.LittleEndian.Uint64(m.ram.Bytes[at:])
		if v&ptePresent == 0 {
			return 0, false
		}
		if l == 1 || v&pteHuge != 0 {
			mask := uint64(1)<<(12+9*(l-1)) - 1
			return v&pteAddress&^mask | va&mask, true
		}
		table = v & pteAddress
	}
	return 0, false
}
