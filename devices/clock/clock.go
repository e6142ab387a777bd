// Package clock is the clock page: parameters by which every guest turns the
// TSC, which all cores share with offset 0, into CLOCK_MONOTONIC and
// CLOCK_REALTIME without a trap. The VMM is the only writer and keeps the
// parameters in step with the host's clock under a sequence lock.
package clock

import (
	"math/bits"
	"sync/atomic"
)

// Page is the clock page. Nanoseconds of CLOCK_MONOTONIC are
// Mono + (tsc-TSC)*Mult>>32; CLOCK_REALTIME adds Wall.
type Page struct {
	seq  atomic.Uint64 // odd while the VMM writes
	tsc  atomic.Uint64
	mult atomic.Uint64 // nanoseconds per cycle, 32.32 fixed point
	mono atomic.Uint64
	wall atomic.Uint64
}

// Params is one consistent reading of the page.
type Params struct {
	TSC  uint64 // cycles at the anchor
	Mult uint64 // nanoseconds per cycle, 32.32 fixed point
	Mono uint64 // CLOCK_MONOTONIC at the anchor, ns
	Wall uint64 // CLOCK_REALTIME minus CLOCK_MONOTONIC, ns
}

// Publish replaces the parameters. Only the VMM calls it.
func (p *Page) Publish(v Params) {
	p.seq.Add(1)
	p.tsc.Store(v.TSC)
	p.mult.Store(v.Mult)
	p.mono.Store(v.Mono)
	p.wall.Store(v.Wall)
	p.seq.Add(1)
}

// Read returns the current parameters. It retries while the VMM writes.
func (p *Page) Read() Params {
	for {
		s := p.seq.Load()
		v := Params{TSC: p.tsc.Load(), Mult: p.mult.Load(), Mono: p.mono.Load(), Wall: p.wall.Load()}
		if s&1 == 0 && p.seq.Load() == s {
			return v
		}
	}
}

// Now returns the parameters and a TSC reading that belongs to them: a reader
// that is held up between the two tries again, so that time never goes back.
func (p *Page) Now() (Params, uint64) {
	for {
		s := p.seq.Load()
		v := p.Read()
		tsc := TSC()
		if s&1 == 0 && p.seq.Load() == s {
			return v, tsc
		}
	}
}

// Monotonic converts a TSC reading to nanoseconds of CLOCK_MONOTONIC. A
// reading before the anchor gives the anchor's time.
func (v Params) Monotonic(tsc uint64) uint64 {
	if int64(tsc-v.TSC) < 0 {
		return v.Mono
	}
	hi, lo := bits.Mul64(tsc-v.TSC, v.Mult)
	return v.Mono + (hi<<32 | lo>>32)
}

// Cycles converts a duration in nanoseconds to TSC cycles.
func (v Params) Cycles(ns uint64) uint64 {
	hi, lo := bits.Mul64(ns, 1<<32)
	if hi >= v.Mult {
		return ^uint64(0)
	}
	q, _ := bits.Div64(hi, lo, v.Mult)
	return q
}

// Mult returns the multiplier for a TSC of khz kilohertz.
func Mult(khz uint64) uint64 {
	q, _ := bits.Div64(1_000_000>>32, 1_000_000<<32, khz)
	return q
}
