//go:build !race

package urpc

// Copies of whole lines, in assembly by the widest vectors there are. All go
// upwards, one store after the other, and no store is of the weakly ordered
// (non-temporal) kind: the index that follows is seen after them.

// storeBlocks copies as many of blocks as there are lines, of the ring, into them.
// The ring may be written that many lines on from the first: free.
func storeBlocks(lines, blocks []Block, free uint64) {
	blocks = blocks[:len(lines)]
	if len(lines) > 0 {
		putBlocks(&lines[0], &blocks[0], uint64(len(lines)), free, vector)
	}
}

// loadBlocks copies lines, of the ring, into the first of blocks. From the first
// of lines on that many have arrived: there.
func loadBlocks(blocks, lines []Block, there uint64) {
	blocks = blocks[:len(lines)]
	if len(lines) > 0 {
		takeBlocks(&blocks[0], &lines[0], uint64(len(lines)), there, vector)
	}
}

// bulkAhead is how many lines before their turn the copies fetch: for writing in
// the sender, which takes lines back from the receiver's cache as the receiver
// takes them from its. Never one that the other core may be at.
const bulkAhead = 32

// putBlocks copies n blocks to consecutive lines by vectors of that width, and
// leaves their upper halves zero. It fetches lines ahead, up to the free ones. A
// leaf function: no stack beyond its arguments, no allocation, any interrupt flag.
//
//go:noescape
func putBlocks(lines, blocks *Block, n, free uint64, width int)

// takeBlocks copies n consecutive lines to blocks; otherwise as putBlocks.
//
//go:noescape
func takeBlocks(blocks, lines *Block, n, there uint64, width int)
