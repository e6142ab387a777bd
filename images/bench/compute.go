package main

import (
	"barreleye/guest/cpudriver"
	"barreleye/images/bench/kernel"
)

// compute runs the kernel once per round, after one run to warm up.
func compute() Result {
	r := Result{}
	kernel.Run()
	for range *rounds {
		t := cpudriver.TSC()
		kernel.Run()
		r["compute"] = append(r["compute"], cpudriver.Nanoseconds(cpudriver.TSC()-t))
	}
	return r
}
