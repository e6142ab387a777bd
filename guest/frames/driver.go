package frames

import (
	"errors"
	"fmt"

	"barreleye/devices/layout"
	"barreleye/guest/cpudriver"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/vspace"
)

// Driver is the CPU driver as Memory. Page tables are RAM that it lent, retyped to VNodes:
// the capabilities to them are in a space of their own, so that no program can name them.
type Driver struct {
	space  *caps.Space
	blocks []block
	nodes  map[uint32]vnode
}

// block is RAM for page tables.
type block struct {
	ram  caps.Ref
	base uint64
	used int
}

// vnode is a page of it in use.
type vnode struct {
	ref   caps.Ref
	block uint64 // base of its block
}

// blockSize is how much is lent at once: one mapping of less than 2 MiB takes three page
// tables, each 2 MiB more another one.
const blockSize = 16 * layout.PageSize

// NewDriver returns it.
func NewDriver() *Driver {
	space, _, err := caps.New()
	if err != nil {
		panic(err) // there is nothing to refuse
	}
	return &Driver{space: space, nodes: map[uint32]vnode{}}
}

// Window is Memory.Window: the VMM leaves it empty.
func (*Driver) Window() (low, high uint64, err error) { return layout.FrameVA, layout.FrameEnd, nil }

// EntryOf is Memory.EntryOf.
func (*Driver) EntryOf(addr uint64) uint64 { return cpudriver.EntryOf(addr) }

// Do is Memory.Do.
func (*Driver) Do(steps []vspace.Step, why Why) error {
	switch err := cpudriver.DoSteps(steps, uint64(why.Reason)|uint64(why.By+1)<<8); {
	case err == nil:
		return nil
	case errors.Is(err, cpudriver.ErrMapped):
		return ErrFull
	default:
		return fmt.Errorf("%d steps, the first %v: %w", len(steps), steps[0], err)
	}
}

// Take is vspace.Tables.Take.
func (d *Driver) Take(level uint8) (vspace.Table, error) {
	b, err := d.room()
	if err != nil {
		return vspace.Table{}, err
	}
	for offset := uint64(0); offset < blockSize; offset += layout.PageSize {
		refs, err := d.space.Retype(b.ram, vspace.Type(level), offset, layout.PageSize, 1)
		if errors.Is(err, caps.ErrOverlap) {
			continue
		}
		if err != nil {
			return vspace.Table{}, err
		}
		id, err := cpudriver.MakeVNode(b.base+offset, level)
		if err != nil {
			d.delete(refs[0])
			return vspace.Table{}, err
		}
		b.used++
		d.nodes[id] = vnode{refs[0], b.base}
		return vspace.Table{ID: id, Level: level}, nil
	}
	return vspace.Table{}, fmt.Errorf("page tables: %d of %d pages are used, and none is free: report it", b.used, blockSize/layout.PageSize)
}

// room returns a block with a free page.
func (d *Driver) room() (*block, error) {
	for i := range d.blocks {
		if b := &d.blocks[i]; b.used < blockSize/layout.PageSize {
			return b, nil
		}
	}
	base, err := cpudriver.LendRAM(blockSize)
	if err != nil {
		return nil, fmt.Errorf("page tables: %w", err)
	}
	ram, err := d.space.Insert(caps.Extent{Type: caps.RAM, Base: base, Size: blockSize})
	if err != nil {
		return nil, err
	}
	d.blocks = append(d.blocks, block{ram: ram, base: base})
	return &d.blocks[len(d.blocks)-1], nil
}

// Drop is vspace.Tables.Drop. A block without page tables goes back to the driver.
func (d *Driver) Drop(t vspace.Table) {
	n := d.nodes[t.ID]
	delete(d.nodes, t.ID)
	if err := cpudriver.DropVNode(t.ID); err != nil {
		panic(err) // it is in use: the monitor's books are wrong
	}
	d.delete(n.ref)
	for i := range d.blocks {
		b := &d.blocks[i]
		if b.base != n.block {
			continue
		}
		if b.used--; b.used > 0 {
			return
		}
		d.delete(b.ram)
		if err := cpudriver.ReturnRAM(b.base, blockSize); err != nil {
			panic(err)
		}
		d.blocks = append(d.blocks[:i], d.blocks[i+1:]...)
		return
	}
}

// delete removes a capability that is there.
func (d *Driver) delete(r caps.Ref) {
	if _, err := d.space.Delete(r); err != nil {
		panic(err)
	}
}
