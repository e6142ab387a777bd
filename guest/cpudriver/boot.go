package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/urpc/trace"
)

// Addresses in the shared region, computed once; the driver keeps no pointers.
var (
	view    region.View
	coreID  int
	blockAt uint64 // this core's block
	inboxAt uint64 // the VMM's block about this core
)

func bootPage() *boot.Page       { return typed[boot.Page](layout.BootVA) }
func block() *region.Block       { return typed[region.Block](blockAt) }
func counters() *region.Counters { return &block().Counters }
func inbox() *region.VMMBlock    { return typed[region.VMMBlock](inboxAt) }
func flagged(bit uint64) bool    { return bootPage().Flags&bit != 0 }

// kindsWanted returns what the VMM wants to have noted.
func kindsWanted() trace.Set { return trace.Set(inbox().Trace.Load()) }

// startUp sets the driver up at the first system call, before the runtime has
// memory or threads. The VMM starts the program with IF=0, so interrupts wait until
// they can be served: gateArm lets them in, which the driver records until it leaves.
func startUp() {
	booted = true
	b := bootPage()
	becomeCore(b)

	vectorMask = uint32(xgetbv()) & xsaveMask
	contextsTop = 1
	nextTID = 1
	c := &contexts[0]
	c.prepare()
	c.state, c.tid, c.deadline = runnable, 1, forever
	driverFault.prepare()

	initMemory(b)
	initFiles()
	initTrees(b)
	initEntropy()
	initPrice()
	rearm = uint32(b.TickCount)
	callGate(gateArm, uint64(rearm)) // 0: no tick
}
