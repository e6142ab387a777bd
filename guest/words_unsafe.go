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

// overWord returns the word by which the VMM says that a core's life has ended.
func overWord(v *region.View, core int) *uint64 {
	return (*uint64)(unsafe.Pointer(&v.VMM(core).Over))
}

// Scratch returns memory of the shared region that belongs to no channel, for
// programs that measure the memory itself: the ring and the call lines that a
// core would share with itself. Every core may ask for every core's.
func Scratch(core int) (ring, lines []limit.Line, err error) {
	if core < 0 || core >= Cores() {
		return nil, nil, fmt.Errorf("scratch memory of core %d of %d: %w", core, Cores(), ErrPeer)
	}
	side, err := links.view.OpenSide(region.ChannelProgram, core, core)
	if err != nil {
		return nil, nil, err
	}
	mem, err := urpc.MemoryAt(links.view.CallArea(core, core), region.CallLines*urpc.LineSize)
	if err != nil {
		return nil, nil, err
	}
	return unsafe.Slice((*limit.Line)(unsafe.Pointer(&side.Ring[0])), len(side.Ring)),
		unsafe.Slice((*limit.Line)(unsafe.Pointer(&mem[0])), region.CallLines), nil
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
