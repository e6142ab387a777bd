package main

import (
	"barreleye/guest"
	"barreleye/images/bench/kernel"
)

// compute runs the kernel once per round, after one run to warm up.
func compute() Result {
	r := Result{}
	kernel.Run()
	for range *rounds {
		t := guest.TSC()
		kernel.Run()
		r["compute"] = append(r["compute"], guest.Nanoseconds(guest.TSC()-t))
	}
	return r
}
