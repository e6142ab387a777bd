//go:build !race

package urpc

// Copies of whole lines, in assembly by the widest vectors there are. All go
// upwards, one store after the other, and no store is of the weakly ordered
// (non-temporal) kind: the index that follows is seen after them.

// storeBlocks copies as many of blocks as there are lines, of the ring, into them.
func storeBlocks(lines, blocks []Block) {
	blocks = blocks[:len(lines)]
	if len(lines) > 0 {
		putBlocks(&lines[0], &blocks[0], uint64(len(lines)), vector)
	}
}

// loadBlocks copies lines, of the ring, into the first of blocks.
func loadBlocks(blocks, lines []Block) {
	blocks = blocks[:len(lines)]
	if len(lines) > 0 {
		takeBlocks(&blocks[0], &lines[0], uint64(len(lines)), vector)
	}
}

// putBlocks copies n blocks to consecutive lines by vectors of that width,
// and leaves their upper halves zero. A leaf function: no stack beyond its
// arguments, no allocation, any interrupt flag.
//
//go:noescape
func putBlocks(lines, blocks *Block, n uint64, width int)

// takeBlocks copies n consecutive lines to blocks; otherwise as putBlocks.
//
//go:noescape
func takeBlocks(blocks, lines *Block, n uint64, width int)
