//go:build race

package urpc

// Copies of whole lines under the race detector, which sees no assembly. Plain
// stores and loads are right here: index and ack word order them.

// storeBlocks copies as many of blocks as there are lines, of the ring, into them.
func storeBlocks(lines, blocks []Block, free uint64) { copyBlocks(lines, blocks[:len(lines)]) }

// loadBlocks copies lines, of the ring, into the first of blocks.
func loadBlocks(blocks, lines []Block, there uint64) { copyBlocks(blocks[:len(lines)], lines) }

// copyBlocks is what assembly does elsewhere.
func copyBlocks(to, from []Block) {
	for i := range from {
		to[i] = from[i]
	}
}
