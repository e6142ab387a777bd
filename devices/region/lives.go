package region

// Lives of a core. The VMM says in one word (VMMBlock.Life) which life of a core is
// the last one that began, and how it stands: whoever reads it gets both at once.
//
//	0                           there never was a life
//	LifeWord(1, OverNot)        the first life, from before its first instruction on
//	LifeWord(1, OverBurying)    the core was fenced; what it shared is being closed
//	LifeWord(1, OverBuried)     all of that is closed
//	LifeWord(2, OverNot)        the next life; every core that lived had let go of the last
//
// Each change but the second is followed by one of Header.Epoch, on which the cores'
// monitors sleep.

// What VMMBlock.Life says of the last life. The VMM stores OverBurying before it looks
// for what the dead core shared with others, and OverBuried when all of that is closed:
// who shares something and then finds OverNot knows that it will be found.
const (
	OverNot     = 0
	OverBurying = 1
	OverBuried  = 2
)

const overBits = 2

// LifeWord is what VMMBlock.Life holds of a life.
func LifeWord(life, over uint64) uint64 { return life<<overBits | over }

// SplitLife is the reverse of it.
func SplitLife(word uint64) (life, over uint64) { return word >> overBits, word & (1<<overBits - 1) }

// Met reports whether the last life of a peer, of which Life was read before, was there in
// this life of a core: the two may have sent each other messages, though the peer was
// over before the core looked for the first time.
func (v *View) Met(core, peer int) bool {
	_, over := v.LifeOf(peer)
	return over == OverNot || v.VMM(peer).Buried.Load() > v.VMM(core).Began.Load()
}

// PairEpoch is the epoch (urpc.Link) of what two cores share in these lives of theirs,
// so that what is left of an earlier life of either is nothing to both.
func PairEpoch(a, b uint64) uint8 { return uint8(1 + (a+b)%255) }

// OwnEpoch is that of what a core shares with all others.
func OwnEpoch(life uint64) uint8 { return uint8(1 + life%255) }

// LifeOf returns the last life of a core that began, and whether it is over.
func (v *View) LifeOf(core int) (life, over uint64) { return SplitLife(v.VMM(core).Life.Load()) }

// EpochOf is the PairEpoch of two cores now.
func (v *View) EpochOf(a, b int) uint8 {
	x, _ := v.LifeOf(a)
	y, _ := v.LifeOf(b)
	return PairEpoch(x, y)
}
