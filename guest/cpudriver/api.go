package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/clock"
	"barreleye/devices/filetree"
	"barreleye/devices/region"
	"barreleye/urpc/pages"
	"errors"
	"os"
)

// The functions below are for goroutines of the guest: package guest and the
// monitor build on them.

// Core returns this core's index, Cores how many there are.
func Core() int { return coreID }

// Cores returns the number of cores of this multikernel.
func Cores() int { return int(bootPage().Cores) }

// Life returns which life of this core this is, 1 for the first.
func Life() uint64 { return bootPage().Life }

// Region returns the view of the shared region.
func Region() *region.View { return &view }

// Pause tells the CPU that the program polls.
func Pause() { pause() }

// TSC reads the cycle counter that all cores share.
func TSC() uint64 { return clock.TSC() }

// Nanoseconds converts cycles to nanoseconds by the clock page.
func Nanoseconds(cycles uint64) float64 {
	return float64(cycles) * float64(clockPage().Read().Mult) / (1 << 32)
}

// PollCycles returns how long the idle loop polls before it halts.
func PollCycles() uint64 { return bootPage().PollCycles }

// Ticks reports whether the timer interrupts the core while it computes.
func Ticks() bool { return bootPage().TickCount != 0 }

// SetPower has the core poll for so many ns where it has nothing to run, and then sleep in
// a power state (region.PowerHalt, region.PowerPark).
func SetPower(state, ns uint64) { invoke(callPower, state, ns, 0) }

// GrowMemory has so many bytes of private RAM free, which the core keeps until ShrinkMemory;
// false where it cannot have them.
func GrowMemory(bytes uint64) bool { return invoke(callGrow, bytes, 0, 0) == 0 }

// ShrinkMemory gives back all private RAM that is free, but for what the core had at the
// start, and returns how many bytes.
func ShrinkMemory() uint64 { return invoke(callShrink, 0, 0, 0) }

// Ring rings the doorbell of core i (doorbell.VMM for the VMM): a VM exit.
func Ring(i int) { invoke(callRing, uint64(i), 0, 0) }

// PublishMaps writes the core's map table to its block as the answer to the
// given request.
func PublishMaps(request uint64) { invoke(callMaps, request, 0, 0) }

// Tree returns the file tree that paths lead through, and its number.
func Tree() (filetree.Tree, int) {
	t, _ := tree(treesN - 1)
	return t, treesN - 1
}

// Trees a core has room for: the VMM's and one for each that a program adds.
const Trees = maxTrees

// AddTree makes the given image the tree that paths lead through. It must not
// change any more, and must be kept for as long as the program runs. False
// where there are Trees already.
func AddTree(image []byte) bool {
	return invoke(callTree, addressOf(&image[0]), uint64(len(image)), 0) == 0
}

// DebugPages reports whether pages that are handed over are to be mapped by their
// owner alone.
func DebugPages() bool { return flagged(boot.FlagDebugPages) }

// CheckCaps reports whether the monitor tests all that must hold of capabilities.
func CheckCaps() bool { return flagged(boot.FlagCheckCaps) }

// ErrTables says that the debug mode for pages cannot change what is mapped.
var ErrTables = errors.New("no page table left to protect pages with: run with a larger --memory, or without --debug pages")

// ProtectPages changes what the program may do with whole pages of pools.
func ProtectPages(mem []byte, to pages.Access) error {
	if r := invoke(callPages, addressOf(&mem[0]), uint64(len(mem)), uint64(to)); r != 0 {
		return ErrTables
	}
	return nil
}

// ErrWatches says that the descriptor table is full.
var ErrWatches = errors.New("no descriptor left for a watch: a core has room for 2048; close channels that are no longer used")

// ErrArmed says that too many words are waited for.
var ErrArmed = errors.New("no room to wait for one more word: a core waits for 8192 at a time; close channels that are no longer used")

// Watch waits for words of the shared region to change. It serves one
// goroutine at a time.
type Watch struct {
	fd     uint64
	file   *os.File
	memory []uint32 // of a set: the driver's
}

// NewWatch returns a watch for one word; Close gives it back.
func NewWatch() (*Watch, error) { return open(&Watch{}, 0, 0) }

// MaxPlaces is how many words a set can have.
const MaxPlaces = 1 << 15

// NewWatchSet returns a watch for n words, from 1 to MaxPlaces.
func NewWatchSet(n int) (*Watch, error) {
	w := &Watch{memory: make([]uint32, 2*n)}
	return open(w, addressOf(&w.memory[0]), uint64(n))
}

func open(w *Watch, memory, n uint64) (*Watch, error) {
	w.fd = invoke(callWatch, memory, n, 0)
	if int64(w.fd) < 0 {
		return nil, ErrWatches
	}
	w.file = os.NewFile(uintptr(w.fd), "watch")
	return w, nil
}

// File is the descriptor to read 8 bytes from once armed: the read parks the
// goroutine in the netpoller until the word changed; deadlines work. From a set
// of n words it reads at least 4n bytes and 8: the places, 4 bytes each, whose
// words changed.
func (w *Watch) File() *os.File { return w.file }

// Arm makes the next read wait until *word is no longer old. word must stay
// valid for the wait; words of the shared region always do. place is 0 but in a
// set, where a place that has changed is not armed before that was read.
func (w *Watch) Arm(place int, word *uint64, old uint64) error {
	if r := invoke(callArm, w.fd|uint64(place)<<16, addressOf(word), old); int64(r) < 0 {
		return ErrArmed
	}
	return nil
}

// Disarm takes back Arm, whether the word has changed or not.
func (w *Watch) Disarm(place int) { invoke(callArm, w.fd|uint64(place)<<16, 0, 0) }

// Late returns the descriptor of a watch that has fired and is not read because
// the core computes, or false where there is none. Each is returned once.
func Late() (fd uint64, ok bool) {
	r := invoke(callLate, 0, 0, 0)
	return r, int64(r) >= 0
}

// FD is the descriptor as Late returns it.
func (w *Watch) FD() uint64 { return w.fd }

// Close gives the watch back.
func (w *Watch) Close() error { return w.file.Close() }
