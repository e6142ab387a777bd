package hosted

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

// PublishMaps writes the process's memory map, as Linux tells it, to the
// core's block as the answer to the given request.
func (c *Core) PublishMaps(request uint64) {
	c.CountMemory()
	n := uint64(0)
	if b, err := c.proc.ReadFile("maps"); err == nil {
		table := c.view.Maps(c.Core())
		for line := range bytes.Lines(b) {
			if m, ok := parseMapping(string(line)); ok && n < uint64(len(table)) {
				table[n] = m
				n++
			}
		}
	}
	c.block.MapCount.Store(n)
	c.block.MapSeq.Store(request)
}

// parseMapping reads a line of /proc/PID/maps (proc(5)). What the kernel keeps
// for itself above the user's addresses is left out.
func parseMapping(line string) (m boot.Mapping, ok bool) {
	f := strings.Fields(line)
	if len(f) < 5 {
		return m, false
	}
	start, end, _ := strings.Cut(f[0], "-")
	var err1, err2 error
	m.Start, err1 = strconv.ParseUint(start, 16, 64)
	m.End, err2 = strconv.ParseUint(end, 16, 64)
	if err1 != nil || err2 != nil || m.End > 1<<47 {
		return m, false
	}
	for i, letter := range "rwx" {
		if len(f[1]) > i && rune(f[1][i]) == letter {
			m.Prot |= 1 << i
		}
	}
	name := ""
	if len(f) > 5 {
		name = f[5]
	}
	m.Kind = kindOf(&m, name)
	if offset, err := strconv.ParseUint(f[2], 16, 64); err == nil && m.Kind == boot.KindFrame {
		m.Frame = uint32((layout.RegionGPA + offset) / layout.PageSize)
	}
	return m, true
}

// kindOf names a mapping by its place and by what Linux says of it.
func kindOf(m *boot.Mapping, name string) uint8 {
	switch {
	case m.Start >= layout.FrameVA && m.End <= layout.FrameEnd && strings.HasPrefix(name, "/memfd:"):
		return boot.KindFrame
	case m.Start >= layout.RegionVA && m.Start < layout.RegionVA+layout.MaxRegion:
		return boot.KindRegion
	case m.Start >= layout.ImageVA && m.End <= layout.ImageEnd:
		switch {
		case m.Prot&boot.Exec != 0:
			return boot.KindText
		case m.Prot&boot.Write != 0:
			return boot.KindData
		}
		return boot.KindReadOnly
	case name == "[stack]":
		return boot.KindStack
	case name == "[vdso]":
		return boot.KindStubs
	case strings.HasPrefix(name, "[vvar"): // what the vDSO reads
		return boot.KindReadOnly
	case m.Prot == 0:
		return boot.KindReserved
	}
	return boot.KindAnon
}

// status returns an amount of memory that /proc/self/status tells, in bytes.
func (c *Core) status(name string) (uint64, error) {
	b, err := c.proc.ReadFile("status")
	if err != nil {
		return 0, fmt.Errorf("hosted core: memory in use: %w: mount /proc", err)
	}
	for line := range bytes.Lines(b) {
		var kib uint64
		if n, _ := fmt.Sscanf(string(line), name+": %d kB", &kib); n == 1 {
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("hosted core: memory in use: no %s in /proc/self/status: use a kernel from 4.7 on", name)
}
