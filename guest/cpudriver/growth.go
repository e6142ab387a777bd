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
	// keepShare is what part of what is in use stays free, beside keepLeast, when blocks are
	// given back: what a program has had it may soon want again.
	keepShare = 4
	keepLeast = 16 << 20 / layout.PageSize
	// giveShare is what part of RAM is given back at least: KVM forgets all of a guest's page
	// mappings with each slot that goes.
	giveShare = 8
	// maxBlocks is how many blocks there can be, with those that keep book.
	maxBlocks = layout.MaxRAM/layout.HugeSize + 256
)

var (
	grownBlocks [maxBlocks/64 + 1]uint64 // a bit per block that the VMM added
	lastAnswer  growth.Answer            // to the last request
	frameFloor  uint64                   // frames that are not given back: the program asked for them
	looked      uint64                   // frameFree when too few blocks were free to give back
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

// growable returns how many frames more there may be.
func growable() uint64 {
	return (bootPage().RAMEnd-bootPage().RAMSize)/layout.PageSize - (frameThere - bootPage().RAMSize/layout.PageSize)
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

// giveBack gives the VMM blocks back that are free, where more than half of RAM is, so that
// a quarter more stays than is in use; or where all is true, whatever it can. It returns how
// many blocks went.
func giveBack(all bool) (gave uint64) {
	start := bootPage().RAMSize / layout.HugeSize
	if frameThere == bootPage().RAMSize/layout.PageSize || !all && (frameFree < frameThere/2 || frameFree < looked+framesPerBlock) {
		looked = min(looked, frameFree)
		return 0
	}
	keep := framesInUse() + framesInUse()/keepShare + keepLeast
	least := frameThere / framesPerBlock / giveShare
	if all {
		keep, least = 0, 1
	}
	keep = max(keep, frameFloor)
	if frameThere < keep+least*framesPerBlock {
		return 0
	}
	most := (frameThere - keep) / framesPerBlock
	if looked = frameFree; freeGrown(start, least) < least {
		return 0
	}
	for b := frameCount / framesPerBlock; b > start && gave < most; {
		run := growth.Blocks{First: b}
		for run.First > start && run.Count < most-gave && grownBlock(run.First-1) && blockFree((run.First-1)*wordsPerBlock) {
			run.First--
			run.Count++
		}
		if run.Count == 0 {
			b--
			continue
		}
		if lastAnswer = request(run.Give()); lastAnswer != growth.Done {
			break
		}
		dismiss(run)
		gave += run.Count
		b = run.First
	}
	looked = 0
	return gave
}

// freeGrown counts blocks from start on that are free and can be given back, up to most.
func freeGrown(start, most uint64) (n uint64) {
	for b := start; b < frameCount/framesPerBlock && n < most; b++ {
		if grownBlock(b) && blockFree(b*wordsPerBlock) {
			n++
		}
	}
	return n
}

// dismiss forgets blocks that are not there any more.
func dismiss(b growth.Blocks) {
	for i := b.First; i < b.First+b.Count; i++ {
		grownBlocks[i/64] &^= 1 << (i % 64)
		for w := i * wordsPerBlock; w < (i+1)*wordsPerBlock; w++ {
			store64(frameUsed+w*8, ^uint64(0))
		}
	}
	frameThere -= b.Count * framesPerBlock
	frameFree -= b.Count * framesPerBlock
	for frameCount > bootPage().RAMSize/layout.PageSize && !grownBlock(frameCount/framesPerBlock-1) {
		frameCount -= framesPerBlock
	}
}

// growFree has n bytes of RAM free, which stay with the core; 0 or an errno. The log
// says why not.
func growFree(n uint64) uint64 {
	frames := (n + layout.PageSize - 1) / layout.PageSize
	switch {
	case n > layout.MaxRAM, frames+promised > frameFree+growable():
		lastAnswer = growth.Limit
		return refuse(n)
	case frames+promised > frameFree && !grow(frames+promised-frameFree):
		return refuse(n)
	}
	frameFloor = max(frameFloor, framesInUse()+promised+frames)
	publishFrames()
	return 0
}

// shrinkFree gives back every block that is free, and returns how many bytes that were.
func shrinkFree() uint64 {
	frameFloor = 0
	gave := giveBack(true)
	publishFrames()
	return gave * layout.HugeSize
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
