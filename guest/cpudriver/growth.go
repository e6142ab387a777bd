package cpudriver

import (
	"barreleye/devices/growth"
	"barreleye/devices/layout"
)

// Private RAM grows by blocks of 2 MiB that the driver asks the VMM for when it has no
// frame left (devices/growth), and shrinks by blocks of which no frame is in use. The blocks
// it had at the start are its own for good. Page tables and bitmaps for all that may come
// are there from the start, so that growing takes no memory itself.

const (
	// growthShare is what part of RAM is asked for at once where less is needed: an exit
	// takes as long as zeroing tens of pages.
	growthShare = 8
	// maxBlocks is how many blocks there can be, with those that keep book.
	maxBlocks = layout.MaxRAM/layout.HugeSize + 256
)

var (
	grownBlocks [maxBlocks/64 + 1]uint64 // a bit per block that the VMM added
	lastAnswer  growth.Answer            // to the last request
)

func grownBlock(b uint64) bool { return grownBlocks[b/64]>>(b%64)&1 != 0 }

// grow makes at least so many frames free that were not there, and reports whether it
// could.
func grow(frames uint64) bool {
	need := (frames + framesPerBlock - 1) / framesPerBlock
	for ask := max(need, frameThere/framesPerBlock/growthShare); need > 0; {
		b := missing(ask)
		if b.Count == 0 {
			lastAnswer = growth.Limit
			return false
		}
		lastAnswer = request(b.Take())
		switch {
		case lastAnswer == growth.Done:
			admit(b)
			need -= min(need, b.Count)
			ask = need
		case ask > need:
			ask = need // so much there may be
		default:
			return false
		}
	}
	return true
}

// missing returns the lowest run of blocks that are not there, of at most n.
func missing(n uint64) (b growth.Blocks) {
	end := bootPage().RAMEnd / layout.HugeSize
	for i := bootPage().RAMSize / layout.HugeSize; i < end && b.Count < n; i++ {
		switch {
		case !grownBlock(i) && b.Count == 0:
			b = growth.Blocks{First: i, Count: 1}
		case !grownBlock(i):
			b.Count++
		case b.Count > 0:
			return b
		}
	}
	return b
}

// request leaves for the VMM with a request, and returns its answer.
func request(r growth.Request) growth.Answer {
	store64(layout.GrowthVA, uint64(r))
	return growth.Answer(load64(addressOf(&bootPage().Growth)))
}

// admit makes blocks free that the VMM added: zeroes, as their frames are not marked as
// used before.
func admit(b growth.Blocks) {
	top := max(frameCount, (b.First+b.Count)*framesPerBlock)
	for w := frameCount / framesPerWord; w < top/framesPerWord; w++ {
		store64(frameUsed+w*8, ^uint64(0)) // not there
	}
	frameCount = top
	for i := b.First; i < b.First+b.Count; i++ {
		grownBlocks[i/64] |= 1 << (i % 64)
		for w := i * wordsPerBlock; w < (i+1)*wordsPerBlock; w++ {
			store64(frameUsed+w*8, 0)
			store64(frameDirty+w*8, 0)
		}
	}
	frameHint = min(frameHint, b.First*wordsPerBlock)
	frameThere += b.Count * framesPerBlock
	frameFree += b.Count * framesPerBlock
}

// growthRefused says why there is no more memory, and what helps.
func growthRefused() string {
	switch lastAnswer {
	case growth.NoRoom:
		return "the host has no more to give: run fewer cores, or free memory there"
	case growth.Refused:
		return "KVM takes no more: run with a larger --memory"
	}
	return "run with a larger --max-memory"
}
