package machine

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"barreleye/devices/boot"
	"barreleye/devices/entropy"
	"barreleye/devices/layout"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/image"

	"golang.org/x/sys/unix"
)

// builder lays out one guest's private RAM: it hands out RAM from the bottom
// and records every mapping for the guest's map table.
type builder struct {
	cfg    *Config
	ram    *hostmem.Memory
	tables *pageTables
	page   *boot.Page
	next   uint64 // offset of the first free byte of RAM

	bootAt, entropyAt uint64 // offsets of the boot page and of the entropy page
}

// take reserves n bytes of RAM and returns their offset.
func (b *builder) take(n uint64) uint64 {
	at := b.next
	b.next += pageUp(n)
	return at
}

// place maps size bytes of fresh RAM at va and returns their offset in RAM.
func (b *builder) place(va, size uint64, kind, prot uint8, access uint64) (uint64, error) {
	at := b.take(size)
	return at, b.mapping(va, at+layout.RAMGPA, pageUp(size), kind, prot, access, false)
}

// mapping maps memory at gpa and records it.
func (b *builder) mapping(va, gpa, size uint64, kind, prot uint8, access uint64, huge bool) error {
	m := boot.Mapping{Start: va, End: va + size, Kind: kind, Prot: prot}
	if huge {
		m.Huge = 1
	}
	b.record(m)
	return b.tables.mapRange(va, gpa, size, access, huge)
}

// record enters a mapping into the guest's first map table. Their number is
// bounded by what build places, not by the image.
func (b *builder) record(m boot.Mapping) {
	b.page.Mappings[b.page.MappingCount] = m
	b.page.MappingCount++
}

// lazyBSS is how much zeroed data is present from the start. The Go linker
// sorts it by size, what has pointers first, so what lies beyond are mostly large
// tables (crypto has one of 32 MiB) that the driver backs on first touch.
const lazyBSS = 4 << 20

// dataPart is a part of a writable segment.
type dataPart struct {
	va, size uint64
	present  bool // backed at boot
}

// dataParts divides a writable segment into what is backed at boot and what the driver
// backs on first touch. Of what the driver itself needs for that, by the image
// table, all is backed.
func dataParts(s *image.Segment, table *[layout.TableWords]uint64) (out []dataPart) {
	end := s.VA + pageUp(s.MemSize)
	at := min(s.VA+pageUp(uint64(len(s.Data))+lazyBSS), end)
	out = append(out, dataPart{s.VA, at - s.VA, true})
	low := max(table[layout.TableState]&^(layout.PageSize-1), at)
	high := min(pageUp(table[layout.TableStateEnd]), end)
	if low < high {
		out = append(out, dataPart{at, low - at, false}, dataPart{low, high - low, true})
		at = high
	}
	return append(out, dataPart{at, end - at, false})
}

// DataSize returns how much RAM the image's private data take at boot, bytes.
func DataSize(im *image.Image) (n uint64) {
	for i := range im.Segments {
		if s := &im.Segments[i]; s.Perm&image.PermW != 0 {
			for _, p := range dataParts(s, &im.Table) {
				if p.present {
					n += p.size
				}
			}
		}
	}
	return n
}

// build fills RAM and returns the initial stack pointer.
func (b *builder) build(text *Text, regionSize uint64) (rsp uint64, err error) {
	cfg := b.cfg
	ramSize, ramEnd, spare := cfg.size(), cfg.end(), cfg.spare()

	// page-table pool: leaf tables for all of RAM and the region twice over,
	// and some for sparse address space
	b.tables.pages = 128 + 2*ramEnd/layout.HugeSize
	b.tables.pages += b.tables.pages / 512 // which map the pool itself
	if cfg.Flags&boot.FlagDebugPages != 0 {
		// huge pages of the region are split
		b.tables.pages += cfg.Geometry.PairsSize()/layout.HugeSize + 2
	}
	b.tables.pool = b.take(b.tables.pages * layout.PageSize)
	b.tables.used = 1

	// the boot page first: mappings are recorded in it
	bootAt := b.take(layout.PageSize)
	b.page = hostmem.View[boot.Page](b.ram, bootAt)
	*b.page = boot.Page{
		Magic: boot.Magic, ABI: layout.ABI, Core: uint32(cfg.Core), Cores: uint32(cfg.Cores), Life: cfg.Life,
		RAMSize: ramSize, RAMEnd: ramEnd, Spare: spare, Tables: b.tables.pool + layout.RAMGPA, TablePages: b.tables.pages,
		RegionSize: regionSize, TickCount: uint64(cfg.Tick.Nanoseconds()) / layout.TimerDivide,
		TickSpread: uint64(cfg.TickSpread.Nanoseconds()) / layout.TimerDivide,
		Flags:      cfg.Flags,
	}
	if err := b.mapping(layout.BootVA, bootAt+layout.RAMGPA, layout.PageSize, boot.KindDriver, boot.Read, userR, false); err != nil {
		return 0, err
	}

	// image: shared parts, then private data
	for _, p := range text.parts {
		b.record(boot.Mapping{Start: p.va, End: p.va + p.size, Kind: p.kind, Prot: p.prot})
	}
	for p := range text.pieces() {
		access := uint64(userR)
		if p.prot&boot.Exec != 0 {
			access = userRX
		}
		if err := b.tables.mapRange(p.va, layout.ImageGPA+p.offset, p.size, access, p.huge); err != nil {
			return 0, err
		}
	}
	for _, s := range text.Image.Segments {
		if s.Perm&image.PermW == 0 {
			continue
		}
		for i, p := range dataParts(&s, &text.Image.Table) {
			if p.size == 0 {
				continue
			}
			if !p.present {
				b.record(boot.Mapping{Start: p.va, End: p.va + p.size, Kind: boot.KindLazy, Prot: boot.Read | boot.Write})
				continue
			}
			at, err := b.place(p.va, p.size, boot.KindData, boot.Read|boot.Write, userRW)
			if err != nil {
				return 0, err
			}
			if i == 0 {
				copy(b.ram.Bytes[at:], s.Data)
			}
		}
	}

	// the driver's own pages
	type part struct {
		va, size uint64
		kind     uint8
		access   uint64
		at       *uint64
	}
	var tablesAt, entropyAt, framesAt, stackAt uint64
	bitmap := pageUp(ramEnd / layout.PageSize / 8)
	for _, p := range []part{
		{layout.TablesVA, tablePages * layout.PageSize, boot.KindDriver, systemR, &tablesAt},
		{layout.DebugVA, layout.PageSize, boot.KindDriver, systemRX, new(uint64)},
		{layout.DebugVA + layout.PageSize, layout.PageSize, boot.KindDriver, systemRW, new(uint64)},
		{layout.EntropyVA, layout.PageSize, boot.KindDriver, userRW, &entropyAt},
		{layout.TrapVA, 2 * layout.PageSize, boot.KindDriver, userRW, new(uint64)},
		{layout.DriverVA, layout.DriverSize, boot.KindDriver, userRW, new(uint64)},
		{layout.PanicVA, layout.PanicSize, boot.KindDriver, userRW, new(uint64)},
		{layout.FramesVA, 2 * bitmap, boot.KindFrames, userRW, &framesAt},
		{layout.ProcessVA, layout.ProcessSize, boot.KindStack, userRW, &stackAt},
	} {
		prot := uint8(boot.Read | boot.Write)
		if p.access&pteWrite == 0 {
			prot = boot.Read
		}
		if p.access&pteNX == 0 {
			prot |= boot.Exec
		}
		if *p.at, err = b.place(p.va, p.size, p.kind, prot, p.access); err != nil {
			return 0, err
		}
	}
	writeDescriptors(b.ram.Bytes[tablesAt:tablesAt+tablePages*layout.PageSize], &text.Image.Table, cfg.Flags&boot.FlagNoted != 0)
	b.bootAt, b.entropyAt = bootAt, entropyAt
	if err := seed(b.ram, entropyAt); err != nil {
		return 0, err
	}

	// devices, the shared region, the window on the page tables
	type device struct {
		va, gpa, size uint64
		kind          uint8
		access        uint64
		huge          bool
	}
	if cfg.Files != nil {
		b.page.FilesSize = uint64(len(cfg.Files.Bytes))
		if err := b.mapping(layout.FilesVA, layout.FilesGPA, b.page.FilesSize, boot.KindFiles, boot.Read, userR, true); err != nil {
			return 0, err
		}
	}
	mapped, _ := cfg.Geometry.RAM() // which the core maps itself, by capabilities
	for _, d := range []device{
		{layout.DoorbellVA, layout.DoorbellGPA, layout.PageSize, boot.KindDevice, userDevice, false},
		{layout.PowerVA, layout.PowerGPA, layout.PageSize, boot.KindDevice, userDevice, false},
		{layout.APICVA, layout.APICGPA, layout.PageSize, boot.KindDevice, systemDevice, false},
		{layout.RegionVA, layout.RegionGPA, mapped, boot.KindRegion, userRW, true},
		{layout.PageTableVA, b.tables.pool + layout.RAMGPA, b.tables.pages * layout.PageSize, boot.KindFrames, userRW, false},
	} {
		if err := b.mapping(d.va, d.gpa, d.size, d.kind, boot.Read|boot.Write, d.access, d.huge); err != nil {
			return 0, err
		}
	}

	if taken := b.next - min(b.next, spare); taken > cfg.RAM/2 {
		return 0, fmt.Errorf("machine: %d KiB of %d MiB of memory are taken before the program starts: use a larger --memory", taken>>10, cfg.RAM>>20)
	}
	b.page.Frames, b.page.Dirty = layout.FramesVA, layout.FramesVA+bitmap
	for f := uint64(0); f < b.next/layout.PageSize; f++ {
		b.ram.Bytes[framesAt+f/8] |= 1 << (f % 8)
	}
	b.page.TablesUsed = b.tables.used
	return b.processStack(stackAt)
}

// seed fills the entropy page at an offset of RAM.
func seed(ram *hostmem.Memory, at uint64) error {
	p := hostmem.View[entropy.Page](ram, at)
	if _, err := rand.Read(p.Seed[:]); err != nil {
		return fmt.Errorf("machine: entropy: %w: report it", err)
	}
	p.Valid = 1
	return nil
}

// Auxiliary vector entries (include/uapi/linux/auxvec.h).
const (
	auxPageSize = 6
	auxSecure   = 23
	auxRandom   = 25
)

// processStack writes what a Linux program finds on its stack: argc, argv,
// envp, auxv.
func (b *builder) processStack(at uint64) (rsp uint64, err error) {
	top := uint64(layout.ProcessSize)
	push := func(p []byte) uint64 {
		top -= uint64(len(p))
		copy(b.ram.Bytes[at+top:], p)
		return layout.ProcessVA + top
	}
	total := 0
	for _, s := range append(append([]string(nil), b.cfg.Args...), b.cfg.Env...) {
		total += len(s) + 1 + 8
	}
	if total > layout.ProcessSize/2 {
		return 0, fmt.Errorf("machine: arguments and environment of %d bytes: give at most %d", total, layout.ProcessSize/2)
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return 0, fmt.Errorf("machine: entropy: %w: report it", err)
	}
	randomAt := push(random)
	strings := func(list []string) (words []uint64) {
		for _, s := range list {
			words = append(words, push(append([]byte(s), 0)))
		}
		return append(words, 0)
	}
	words := []uint64{uint64(len(b.cfg.Args))}
	words = append(words, strings(b.cfg.Args)...)
	words = append(words, strings(b.cfg.Env)...)
	words = append(words, auxPageSize, layout.PageSize, auxRandom, randomAt, auxSecure, 0, 0, 0)
	top = (top - uint64(8*len(words))) &^ 15
	for i, w := range words {
		binary.LittleEndian.PutUint64(b.ram.Bytes[at+top+uint64(8*i):], w)
	}
	return layout.ProcessVA + top, nil
}

// bigFrom is where the part of RAM starts that the host backs by huge pages:
// small programs stay below it and cost the host what they touch.
func bigFrom(ramSize uint64) uint64 {
	return min(ramSize/2, 32<<20) &^ (layout.HugeSize - 1)
}

// adviseRAM tells the host how to back RAM and, if asked, backs all of it.
func (b *builder) adviseRAM() {
	size := b.cfg.size()
	big := bigFrom(size)
	b.ram.Advise(0, big, unix.MADV_NOHUGEPAGE)
	b.ram.Advise(big, size, unix.MADV_HUGEPAGE)
	if b.cfg.Populate {
		b.ram.Advise(0, size, unix.MADV_POPULATE_WRITE)
	}
}
