package guest

import (
	"fmt"
	"unsafe"

	"barreleye/devices/region"
	"barreleye/urpc"
	"barreleye/urpc/limit"
)

// requestWord returns the word by which the VMM asks this core's monitor.
func requestWord(v *region.View) *uint64 {
	return (*uint64)(unsafe.Pointer(&v.VMM(Core()).Request))
}

// lifeWord returns the word by which the VMM says how a core's life stands.
func lifeWord(v *region.View, core int) *uint64 {
	return (*uint64)(unsafe.Pointer(&v.VMM(core).Life))
}

// epochWord returns the word that changes with every such change.
func epochWord(v *region.View) *uint64 {
	return (*uint64)(unsafe.Pointer(&v.Header().Epoch))
}

// Scratch returns memory of the shared region that belongs to no channel, for
// programs that measure the memory itself. Cores a and b write it and nobody else
// sees it: 128 lines, and a ring of as many lines as the programs' channels have.
// Where a is b, core a writes it and all cores see it: 64 lines, and no ring.
func Scratch(a, b int) (ring, lines []limit.Line, err error) {
	if min(a, b) < 0 || max(a, b) >= Cores() {
		return nil, nil, fmt.Errorf("scratch memory of cores %d and %d of %d: %w", a, b, Cores(), ErrPeer)
	}
	mem := links.view.Scratch(a, b)
	all := unsafe.Slice((*limit.Line)(unsafe.Pointer(&mem[0])), len(mem)/urpc.LineSize)
	n := min(len(all), region.ScratchLines)
	return all[n:], all[:n], nil
}

// CallLine returns the line on which core client calls core server, for programs that
// measure what the memory allows there. While a call is under way it must not be
// touched, and afterwards it must be as it was.
func CallLine(client, server int) (*limit.Line, error) {
	if min(client, server) < 0 || max(client, server) >= Cores() || client == server {
		return nil, fmt.Errorf("call line of core %d to core %d of %d: %w", client, server, Cores(), ErrPeer)
	}
	call, err := links.view.OpenCall(client, server)
	if err != nil {
		return nil, err
	}
	return (*limit.Line)(unsafe.Pointer(call.Line)), nil
}

const _ = -(unsafe.Sizeof(limit.Line{}) - unsafe.Sizeof(urpc.Line{}))

// bytesOf returns the memory of words, of which there is at least one.
func bytesOf(words []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 4*len(words))
}

// addressOf returns where memory lies, of which there is some.
func addressOf(mem []byte) uintptr { return uintptr(unsafe.Pointer(&mem[0])) }
