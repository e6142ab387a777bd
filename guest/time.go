package guest

import (
	"barreleye/devices/clock"
	"barreleye/guest/cpudriver"
)

// TSC reads the cycle counter, which all cores and the host share.
func TSC() uint64 { return clock.TSC() }

// Nanoseconds converts TSC cycles to nanoseconds.
func Nanoseconds(cycles uint64) float64 {
	return float64(cycles) * float64(here.Region().Clock().Read().Mult) / (1 << 32)
}

// Pause tells the CPU that the program polls.
func Pause() { cpudriver.Pause() }
