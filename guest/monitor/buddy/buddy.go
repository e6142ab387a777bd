// Package buddy divides blocks of memory into pieces of powers of two pages, and puts
// them together again: Knuth's buddy system (The Art of Computer Programming, vol. 1,
// 2.5). It keeps numbers only, touches none of the memory, and asks nobody. Blocks come
// from elsewhere (guest.RAMPool takes them by agreement of all cores) and can be given back
// once nothing of them is in use.
//
// To that end a piece comes from the block with the lowest address that has room, so that
// those at higher ones become free. No call allocates but Add. An Allocator is not safe for
// concurrent use.
package buddy

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// Page is the size of the smallest piece, in bytes.
const Page = 4096

// MaxBlock is the size of the largest block.
const MaxBlock = Page << (maxOrders - 1)

const maxOrders = 24

// Errors. They come wrapped with what they are about.
var (
	// ErrFull: no block has room for the piece.
	ErrFull = errors.New("no block has room: add one")
	// ErrSize: a size or an address that none can have.
	ErrSize = errors.New("blocks are powers of two pages, and pieces no larger than a block")
	// ErrUnknown: there is no such piece, or no such block.
	ErrUnknown = errors.New("there is none at that address")
	// ErrOverlap: a block is there already.
	ErrOverlap = errors.New("a block is there already")
	// ErrInUse: something of the block is in use.
	ErrInUse = errors.New("something of it is in use: free that first")
)

// Allocator divides blocks. The zero Allocator has none.
type Allocator struct {
	blocks []*block // by address
}

// none ends a list of free pieces.
const none = -1

// What state says of a page: the order of the piece that begins there, plus one, and
// whether that is free; 0 where none begins.
const free = 1 << 7

type block struct {
	base   uint64
	order  int
	lists  [maxOrders]int32 // of each order, the first free piece's page
	filled uint32           // a bit per order whose list is not empty
	next   []int32          // of a free piece's first page
	prev   []int32
	state  []uint8
	used   uint64 // bytes
}

// orderOf returns the smallest order whose pieces hold size bytes.
func orderOf(size uint64) int {
	return bits.Len64((size - 1) / Page)
}

// Add adds a block: a power of two pages, at a multiple of a page.
func (a *Allocator) Add(base, size uint64) error {
	order := orderOf(size)
	if size == 0 || base%Page != 0 || order >= maxOrders || size != Page<<order || base+size < base {
		return fmt.Errorf("buddy: add %d bytes at %#x: %w", size, base, ErrSize)
	}
	at, found := a.search(base)
	if found || at > 0 && a.blocks[at-1].end() > base || at < len(a.blocks) && a.blocks[at].base < base+size {
		return fmt.Errorf("buddy: add %d bytes at %#x: %w", size, base, ErrOverlap)
	}
	n := 1 << order
	b := &block{base: base, order: order, next: make([]int32, n), prev: make([]int32, n), state: make([]uint8, n)}
	for i := range b.lists {
		b.lists[i] = none
	}
	b.push(0, order)
	a.blocks = slices.Insert(a.blocks, at, b)
	return nil
}

// Remove takes a block back of which nothing is in use.
func (a *Allocator) Remove(base uint64) error {
	at, found := a.search(base)
	switch {
	case !found:
		return fmt.Errorf("buddy: remove the block at %#x: %w", base, ErrUnknown)
	case a.blocks[at].used > 0:
		return fmt.Errorf("buddy: remove the block at %#x: %w", base, ErrInUse)
	}
	a.blocks = slices.Delete(a.blocks, at, at+1)
	return nil
}

// Alloc returns the address of a piece of at least size bytes, aligned in its block to the
// power of two that it takes. ErrSize and ErrFull come as they are.
func (a *Allocator) Alloc(size uint64) (base uint64, err error) {
	if size == 0 || size > MaxBlock {
		return 0, ErrSize
	}
	order := orderOf(size)
	for _, b := range a.blocks {
		if b.filled>>order != 0 {
			return b.alloc(order), nil
		}
	}
	return 0, ErrFull
}

// Free takes a piece back that Alloc has given, and returns the base of its block, and
// whether nothing of that is in use any more.
func (a *Allocator) Free(base uint64) (block uint64, idle bool, err error) {
	b := a.find(base)
	if b == nil || (base-b.base)%Page != 0 {
		return 0, false, fmt.Errorf("buddy: free %#x: %w", base, ErrUnknown)
	}
	page := int32((base - b.base) / Page)
	if s := b.state[page]; s == 0 || s&free != 0 {
		return 0, false, fmt.Errorf("buddy: free %#x: %w", base, ErrUnknown)
	}
	b.put(page)
	return b.base, b.used == 0, nil
}

// Size returns how many bytes a piece takes.
func (a *Allocator) Size(base uint64) (uint64, error) {
	if b := a.find(base); b != nil && (base-b.base)%Page == 0 {
		if s := b.state[(base-b.base)/Page]; s != 0 && s&free == 0 {
			return Page << (s - 1), nil
		}
	}
	return 0, fmt.Errorf("buddy: size of %#x: %w", base, ErrUnknown)
}

// Block returns the base of the block that an address lies in.
func (a *Allocator) Block(addr uint64) (base uint64, ok bool) {
	if b := a.find(addr); b != nil {
		return b.base, true
	}
	return 0, false
}

// Stats says how much there is, in bytes.
type Stats struct {
	Blocks  int
	Size    uint64 // of all blocks
	Used    uint64 // in use: what the pieces take
	Largest uint64 // free piece
	Idle    uint64 // in blocks of which nothing is in use
}

// Fragmentation is what part of the free memory cannot be had as one piece: 0 to 1.
func (s *Stats) Fragmentation() float64 {
	if s.Used == s.Size {
		return 0
	}
	return 1 - float64(s.Largest)/float64(s.Size-s.Used)
}

// Stats counts.
func (a *Allocator) Stats() (s Stats) {
	for _, b := range a.blocks {
		s.Blocks++
		s.Size += Page << b.order
		s.Used += b.used
		if b.used == 0 {
			s.Idle += Page << b.order
		}
		if b.filled != 0 {
			s.Largest = max(s.Largest, Page<<(bits.Len32(b.filled)-1))
		}
	}
	return s
}

// search returns where the block at an address is, or would be.
func (a *Allocator) search(base uint64) (at int, found bool) {
	low, high := 0, len(a.blocks)
	for low < high {
		if mid := (low + high) / 2; a.blocks[mid].base < base {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, low < len(a.blocks) && a.blocks[low].base == base
}

// find returns the block that an address lies in, nil for none.
func (a *Allocator) find(addr uint64) *block {
	at, found := a.search(addr)
	if !found {
		at--
	}
	if at < 0 || addr >= a.blocks[at].end() {
		return nil
	}
	return a.blocks[at]
}

func (b *block) end() uint64 { return b.base + Page<<b.order }

// alloc takes a piece, for which there is room.
func (b *block) alloc(order int) uint64 {
	from := bits.TrailingZeros32(b.filled>>order) + order
	page := b.lists[from]
	b.remove(page, from)
	for from > order { // the upper half is free
		from--
		b.push(page+1<<from, from)
	}
	b.state[page] = uint8(order + 1)
	b.used += Page << order
	return b.base + uint64(page)*Page
}

// put makes a piece free, and one with its other half as long as that is free as well.
func (b *block) put(page int32) {
	order := int(b.state[page] - 1)
	b.state[page] = 0
	b.used -= Page << order
	for order < b.order {
		other := page ^ 1<<order
		if b.state[other] != free|uint8(order+1) {
			break
		}
		b.remove(other, order)
		page &^= 1 << order
		order++
	}
	b.push(page, order)
}

// push makes a free piece the first of its list.
func (b *block) push(page int32, order int) {
	first := b.lists[order]
	b.next[page], b.prev[page] = first, none
	if first != none {
		b.prev[first] = page
	}
	b.lists[order] = page
	b.filled |= 1 << order
	b.state[page] = free | uint8(order+1)
}

// remove takes a free piece out of its list.
func (b *block) remove(page int32, order int) {
	next, prev := b.next[page], b.prev[page]
	if next != none {
		b.prev[next] = prev
	}
	if prev != none {
		b.next[prev] = next
	} else if b.lists[order] = next; next == none {
		b.filled &^= 1 << order
	}
	b.state[page] = 0
}
