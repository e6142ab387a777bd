package guest

import (
	"unsafe"

	"barreleye/devices/region"
	"barreleye/urpc"
)

// requestWord returns the word by which the VMM asks this core's monitor.
func requestWord(v *region.View) *uint64 {
	return (*uint64)(unsafe.Pointer(&v.VMM(Core()).Request))
}

// RawLines returns the pair's raw memory for benchmarks that measure the limit
// of the cache beside URPC: the ring this core would send on, and the pair's
// call lines. Whoever uses them must not open the channel or call ends of that
// peer.
func RawLines(from, to int) (ring, calls []urpc.Line, err error) {
	side, err := links.side(region.ChannelProgram, from, to)
	if err != nil {
		return nil, nil, err
	}
	mem, err := urpc.MemoryAt(links.view.CallArea(from, to), region.CallLines*urpc.LineSize)
	if err != nil {
		return nil, nil, err
	}
	return side.Ring, unsafe.Slice((*urpc.Line)(unsafe.Pointer(&mem[0])), region.CallLines), nil
}
