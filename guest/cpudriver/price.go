package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"math/bits"
)

// How long the idle loop polls before it halts. Who polls for as long as a halt
// costs loses at most as much again as the best choice would (paper §5.2). The
// price differs between machines and KVM flavours, so with --poll auto a core
// measures its own: in its first long waits it also sets the timer, and notes how
// late it runs again. Nothing else would run in that time.

const (
	// probeNS is longer than hosts poll for a halted vCPU (halt_poll_ns), so
	// that the price is that of a long wait.
	probeNS = 1_000_000
	probes  = 5
	// The price is believed within these bounds, in ns.
	minPrice, maxPrice = 10_000, 200_000
)

var (
	pollCycles uint64         // what idle polls for
	prices     [probes]uint64 // in ns, ascending
	pricesN    = probes       // how many are there
)

// initPrice starts from what the VMM says.
func initPrice() {
	pollCycles = bootPage().PollCycles
	if flagged(boot.FlagPark) {
		asleepAs = region.PowerPark
	}
	if flagged(boot.FlagMeasurePoll) {
		pricesN = 0
	}
	tellPrice()
}

// probe returns the timer count for a halt until deadline, in ns, and when the
// halt is to end for the sake of the measurement, 0 where it is not.
func probe(now, deadline uint64) (count, due uint64) {
	if pricesN < probes && deadline > now+2*probeNS {
		return probeNS / layout.TimerDivide, now + probeNS
	}
	if deadline == forever {
		return 0, 0
	}
	return max(1, min(deadline-now, maxSleep)/layout.TimerDivide), 0
}

// notePrice takes what a halt has shown that was to end at due. Where a doorbell
// ended it, it shows nothing.
func notePrice(due uint64) {
	now := monotonic()
	if due == 0 || pending != pendingTick || now <= due {
		return
	}
	late := now - due
	k := pricesN
	for ; k > 0 && prices[k-1] > late; k-- {
		prices[k] = prices[k-1]
	}
	prices[k] = late
	if pricesN++; pricesN == probes {
		price := min(max(prices[probes/4], minPrice), maxPrice) // the lower quartile: the host may be busy
		pollCycles = cyclesOf(price)
		tellPrice()
	}
}

// cyclesOf returns how many cycles of the TSC ns are, by the clock page's ns per
// cycle in units of 2^-32.
func cyclesOf(ns uint64) uint64 { return ns << 32 / max(clockPage().Read().Mult, 1) }

// nanoseconds is the reverse of it.
func nanoseconds(cycles uint64) uint64 {
	hi, lo := bits.Mul64(clockPage().Read().Mult, cycles)
	return hi<<32 | lo>>32
}

// tellPrice shows how long the idle loop polls.
func tellPrice() { counters().PollNS = nanoseconds(pollCycles) }
