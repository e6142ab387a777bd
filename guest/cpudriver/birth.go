package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/devices/power"
	"barreleye/devices/region"
	"barreleye/urpc/trace"
)

const powerBirth = uint32(power.Birth)

// AwaitBirth is where a core that is to be copied waits to learn who it is: the
// VMM keeps its memory and registers there, and each copy goes on from there as a
// core of its own (docs/explanation/boot.md). Package guest calls it before anybody
// can have asked for the core's number or life. In a core that boots as itself it
// does nothing.
func AwaitBirth() {
	if flagged(boot.FlagTemplate) {
		invoke(callBirth, 0, 0, 0)
	}
}

// beBorn leaves for the VMM, and does for the copy what startUp did for the
// template where it depends on who the core is, or may not be the same in two.
func beBorn() uint64 {
	store32(layout.PowerVA, powerBirth)
	becomeCore(bootPage())
	initEntropy()
	initPrice()
	publishFrames()
	signalRequest = 0
	if rearm = uint32(bootPage().TickCount); rearm != 0 {
		callGate(gateArm, uint64(rearm))
	}
	return 0
}

// becomeCore takes on the core's number: what the driver knows of the shared
// region follows from it.
func becomeCore(b *boot.Page) {
	coreID = int(b.Core)
	view = region.Open(layout.RegionVA)
	blockAt = addressOf(view.Block(coreID))
	inboxAt = addressOf(view.VMM(coreID))
	trace.Begin(view.Trace(coreID), kindsWanted(), false)
	bootNS = monotonic()
	block().State.Store(region.StateBooting)
	publishThreads()
}
