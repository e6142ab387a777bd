package main

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/guest"
)

// useForeign uses what belongs to other cores.
func useForeign(args []string) error {
	if len(args) != 1 || guest.Cores() < 3 {
		return fmt.Errorf("foreign write|add|copy|read|end, with 3 cores or more")
	}
	v := guest.Region()
	next, third := (guest.Core()+1)%guest.Cores(), (guest.Core()+2)%guest.Cores()
	block := v.Block(next)
	switch args[0] {
	case "write":
		block.State.Store(region.StateOff)
	case "add":
		atomic.AddUint64(&block.Progress, 1)
	case "copy": // by vector instructions, where the CPU has them
		copy(unsafe.Slice((*byte)(unsafe.Pointer(block)), 1024), make([]byte, 1024))
	case "read": // what the two others say to each other
		fmt.Println("their first word is", *(*uint64)(at(v.Side(region.ChannelProgram, next, third))))
	case "end": // behind the last thing, in front of shared memory
		ram, _ := v.RAM()
		fmt.Println("at the end is", *(*uint64)(at(layout.RegionVA + uintptr(ram) - 8)))
	}
	return nil
}
