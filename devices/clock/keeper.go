package clock

// Keeper keeps the page in step with the host's clock. Each Update steers the
// slope so that the error seen now is gone after one more interval; the time
// that guests read stays continuous and never goes back.
type Keeper struct {
	page *Page
	now  Params
	host uint64 // host's monotonic clock at the anchor, ns
	base uint64 // multiplier from the TSC's nominal frequency
}

// NewKeeper publishes the first parameters: at cycle count tsc the host's
// monotonic clock stood at mono ns, its real-time clock at mono+wall ns, and
// the TSC runs at khz kilohertz.
func NewKeeper(page *Page, khz, tsc, mono, wall uint64) *Keeper {
	k := &Keeper{page: page, host: mono, base: Mult(khz)}
	k.now = Params{TSC: tsc, Mult: k.base, Mono: mono, Wall: wall}
	page.Publish(k.now)
	return k
}

// Update re-anchors the page at a new pair of readings, taken together, and
// returns the error in ns that guests saw until now (guest minus host).
func (k *Keeper) Update(tsc, mono, wall uint64) (drift int64) {
	guest := k.now.Monotonic(tsc)
	elapsed := tsc - k.now.TSC
	drift = int64(guest - mono)
	if elapsed == 0 || int64(elapsed) < 0 {
		return drift
	}
	// measured slope of the host's clock over this interval
	slope := float64(mono-k.host) / float64(elapsed)
	// aim at the host's time one interval ahead, by at most 1000 ppm off the nominal rate
	want := slope - float64(drift)/float64(elapsed)
	base := float64(k.base) / (1 << 32)
	want = min(max(want, base*(1-1e-3)), base*(1+1e-3))
	k.now = Params{TSC: tsc, Mult: uint64(want * (1 << 32)), Mono: guest, Wall: wall}
	k.host = mono
	k.page.Publish(k.now)
	return drift
}
