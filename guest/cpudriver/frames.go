package cpudriver

import (
	"math/bits"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

// The frame allocator hands out private RAM by 4 KiB frames and 2 MiB blocks
// from two bitmaps that the VMM laid down: "in use", and "was used before",
// which tells the frames that must be zeroed. Frames come from the bottom,
// where the host uses small pages, blocks from where it uses huge ones; each takes
// what is the other's when its own is empty. Both begin low, so that what was added
// to RAM is free again first (growth.go).

const (
	framesPerWord  = 64
	framesPerBlock = layout.HugeSize / layout.PageSize
	smallBlocks    = 16 // of RAM that the host backs by small pages (vmm/machine)
	wordsPerBlock  = framesPerBlock / framesPerWord
)

var (
	frameUsed  uint64 // address of the "in use" bitmap
	frameDirty uint64 // address of the "was used before" bitmap
	frameCount uint64 // frames up to the end of RAM, a multiple of framesPerBlock; those that are not there count as in use
	frameThere uint64 // frames that are there
	frameFree  uint64 // frames not in use
	frameHint  uint64 // word below which no small frame is free
)

// initFrames takes over the bitmaps.
func initFrames(b *boot.Page) {
	frameUsed, frameDirty = b.Frames, b.Dirty
	frameCount = b.RAMSize / layout.PageSize
	frameThere = frameCount
	frameFree = 0
	for w := uint64(0); w < frameCount/framesPerWord; w++ {
		frameFree += uint64(bits.OnesCount64(^load64(frameUsed + w*8)))
	}
	publishFrames()
}

// framesInUse returns how many are taken, those among them that keep book.
func framesInUse() uint64 { return frameThere - frameFree }

func publishFrames() {
	spare := bootPage().Spare / layout.PageSize
	n := counters()
	n.FramesUsed, n.FramesTotal = frameThere-frameFree-spare, frameThere-spare
	n.FramesLimit = bootPage().RAMEnd/layout.PageSize - spare
}

// takeFrame returns the guest-physical address of a free frame and whether it
// may hold old contents; ok is false when RAM is exhausted and cannot grow.
func takeFrame() (gpa uint64, dirty, ok bool) {
	for w := frameHint; w < frameCount/framesPerWord; w++ {
		used := load64(frameUsed + w*8)
		if used == ^uint64(0) {
			continue
		}
		frameHint = w
		bit := uint64(1) << bits.TrailingZeros64(^used)
		store64(frameUsed+w*8, used|bit)
		d := load64(frameDirty + w*8)
		store64(frameDirty+w*8, d|bit)
		frameFree--
		frame := w*framesPerWord + uint64(bits.TrailingZeros64(bit))
		return layout.RAMGPA + frame*layout.PageSize, d&bit != 0, true
	}
	if !grow(1) {
		return 0, false, false
	}
	return takeFrame()
}

// takeBlock returns a free, aligned 2 MiB block.
func takeBlock() (gpa uint64, dirty, ok bool) {
	blocks := frameCount / framesPerBlock
	for i := range blocks {
		b := (i + smallBlocks) % blocks
		w := b * wordsPerBlock
		if !blockFree(w) {
			continue
		}
		for i := w; i < w+wordsPerBlock; i++ {
			dirty = dirty || load64(frameDirty+i*8) != 0
			store64(frameUsed+i*8, ^uint64(0))
			store64(frameDirty+i*8, ^uint64(0))
		}
		frameFree -= framesPerBlock
		return layout.RAMGPA + b*layout.HugeSize, dirty, true
	}
	return 0, false, false
}

func blockFree(w uint64) bool {
	for i := w; i < w+wordsPerBlock; i++ {
		if load64(frameUsed+i*8) != 0 {
			return false
		}
	}
	return true
}

// freeBlocks reports whether at least n aligned blocks are free.
func freeBlocks(n uint64) bool {
	for w := uint64(0); w < frameCount/framesPerWord && n > 0; w += wordsPerBlock {
		if blockFree(w) {
			n--
		}
	}
	return n == 0
}

// putFrames gives back n frames from gpa on.
func putFrames(gpa, n uint64) {
	frame := (gpa - layout.RAMGPA) / layout.PageSize
	frameHint = min(frameHint, frame/framesPerWord)
	for i := frame; i < frame+n; i++ {
		a := frameUsed + i/framesPerWord*8
		store64(a, load64(a)&^(1<<(i%framesPerWord)))
	}
	frameFree += n
}
