package cpudriver

import "barreleye/devices/layout"

// Private RAM that the driver lends to capabilities: frames or page tables, as whoever
// retypes it decides. What is lent is in use as far as the frame allocator knows, and
// holds whatever it held before.

// maxLent is how many runs can be lent at a time.
const maxLent = 256

// lent are the runs; size 0 marks a free entry.
var lent [maxLent]struct{ base, size uint64 }

// lendRAM lends a run of a size, which is a power of two of pages up to 256 KiB, and lies at
// a multiple of it, or a multiple of 2 MiB. It returns its guest-physical address.
func lendRAM(size uint64) uint64 {
	slot := -1
	for i := range lent {
		if lent[i].size == 0 {
			slot = i
			break
		}
	}
	pages := size / layout.PageSize
	var base uint64
	switch {
	case slot < 0, pages > frameThere+growable(), pages+promised > frameFree+growable():
		return errno(eNOMEM)
	case size == 0 || size%layout.PageSize != 0:
		return errno(eINVAL)
	case size%layout.HugeSize == 0:
		if base = takeBlocks(size / layout.HugeSize); base == 0 && grow(pages) {
			base = takeBlocks(size / layout.HugeSize)
		}
	case pages <= framesPerWord && pages&(pages-1) == 0:
		if base = takeRun(pages); base == 0 && grow(pages) {
			base = takeRun(pages)
		}
	default:
		return errno(eINVAL)
	}
	if base == 0 {
		return errno(eNOMEM)
	}
	lent[slot].base, lent[slot].size = base, size
	publishFrames()
	return base
}

// takeRun takes some frames that lie in one word of the bitmap, or returns 0.
func takeRun(pages uint64) uint64 {
	run := ^uint64(0) >> (framesPerWord - pages)
	for w := frameHint; w < frameCount/framesPerWord; w++ {
		used := load64(frameUsed + w*8)
		for bit := uint64(0); bit < framesPerWord; bit += pages {
			if used>>bit&run == 0 {
				store64(frameUsed+w*8, used|run<<bit)
				store64(frameDirty+w*8, load64(frameDirty+w*8)|run<<bit)
				frameFree -= pages
				return layout.RAMGPA + (w*framesPerWord+bit)*layout.PageSize
			}
		}
	}
	return 0
}

// takeBlocks takes some blocks of 2 MiB that follow one another, or returns 0.
func takeBlocks(n uint64) uint64 {
	found := uint64(0)
	for b := frameCount / framesPerBlock; b > 0; b-- {
		if !blockFree((b - 1) * wordsPerBlock) {
			found = 0
			continue
		}
		if found++; found < n {
			continue
		}
		for w := (b - 1) * wordsPerBlock; w < (b-1+n)*wordsPerBlock; w++ {
			store64(frameUsed+w*8, ^uint64(0))
			store64(frameDirty+w*8, ^uint64(0))
		}
		frameFree -= n * framesPerBlock
		return layout.RAMGPA + (b-1)*layout.HugeSize
	}
	return 0
}

// returnRAM takes back a run that was lent, of which nothing is mapped and no VNode is left.
func returnRAM(base, size uint64) uint64 {
	for i := range lent {
		if l := &lent[i]; l.size != 0 && l.base == base && l.size == size {
			if frameMapped(base, size) || vnodeIn(base, size) {
				return errno(eINVAL)
			}
			l.size = 0
			putFrames(base, size/layout.PageSize)
			publishFrames()
			return 0
		}
	}
	return errno(eINVAL)
}

// isLent reports whether memory lies in one run that is lent.
func isLent(base, size uint64) bool {
	for i := range lent {
		if l := &lent[i]; base-l.base < l.size && size <= l.size-(base-l.base) {
			return true
		}
	}
	return false
}
