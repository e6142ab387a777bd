package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

// What the stubs of --debug interrupts note (noted_amd64.s).

// notedSpan bounds the critical text in bytes.
const notedSpan = 2048

// ringItself is the interrupt command that rings this core's doorbell: fixed,
// edge, shorthand "self" (SDM vol. 3, 11.6.1).
const ringItself = 1<<18 | 1<<14 | layout.VectorDoorbell

var (
	noted [notedSpan]uint32 // interrupts, by the offset of the interrupted RIP
	rung  [notedSpan]byte   // 1: stepNoted has had one come there
	steps uint64            // instructions stepped
)

// Noted returns how many interrupts came at each offset of the driver's critical
// text, or nil without --debug interrupts; steps is how many instructions were
// stepped.
func Noted() (counts []uint32, stepped uint64) {
	if !flagged(boot.FlagNoted) {
		return nil, 0
	}
	return noted[:], steps
}

// Step sets or clears TF in the driver's own flags: with --debug interrupts, an
// interrupt then comes once at every instruction of its critical text that is run
// between an exception or an interrupt of the program and its end.
func Step(on bool) {
	want := uint64(0)
	if on && flagged(boot.FlagNoted) {
		want = flagTF
	}
	invoke(callStep, want, 0, 0)
}

// ArmTimer has a tick come after the given number of timer counts.
func ArmTimer(count uint32) { invoke(callArmTimer, uint64(count), 0, 0) }
