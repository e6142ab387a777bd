package clock

import (
	"math/rand/v2"
	"sync"
	"testing"
)

// TestKeeperFollowsHost: with a TSC that runs off its nominal frequency and
// readings that jitter, guests' time follows the host's to within a few times
// the jitter, and never goes back.
func TestKeeperFollowsHost(t *testing.T) {
	const khz = 2_600_000
	const jitter = 300 // ns
	for _, ppm := range []float64{0, 15, -15, 200, -200, 800} {
		r := rand.New(rand.NewPCG(1, 1))
		var page Page
		tsc, mono := uint64(1e12), uint64(5e9)
		rate := khz * 1e3 * (1 + ppm/1e6) / 1e9 // real cycles per ns
		k := NewKeeper(&page, khz, tsc, mono, 7)
		last := uint64(0)
		for second := range 60 {
			for range 10 { // guests read in between
				tsc += uint64(rate * 1e8)
				mono += 1e8
				now := page.Read().Monotonic(tsc)
				if now < last {
					t.Fatalf("%v ppm, second %d: time went back from %d to %d", ppm, second, last, now)
				}
				last = now
			}
			drift := k.Update(tsc, mono+uint64(r.IntN(jitter)), 7)
			if second > 3 && (drift > 4*jitter || drift < -4*jitter) {
				t.Errorf("%v ppm, second %d: guests are %d ns off", ppm, second, drift)
			}
		}
		if w := page.Read().Wall; w != 7 {
			t.Errorf("wall offset %d, want 7", w)
		}
	}
}

func TestReadingBeforeAnchor(t *testing.T) {
	p := Params{TSC: 1000, Mult: 1 << 32, Mono: 50}
	if got := p.Monotonic(10); got != 50 {
		t.Errorf("reading before the anchor gives %d, want the anchor's 50", got)
	}
	if got := p.Monotonic(1010); got != 60 {
		t.Errorf("10 cycles after the anchor gives %d, want 60", got)
	}
	if got := p.Cycles(60); got != 60 {
		t.Errorf("60 ns are %d cycles, want 60", got)
	}
}

// TestPageIsConsistent: readers never see half of an update.
func TestPageIsConsistent(t *testing.T) {
	var page Page
	page.Publish(Params{1, 1, 1, 1})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := uint64(2); ; i++ {
			select {
			case <-stop:
				return
			default:
				page.Publish(Params{i, i, i, i})
			}
		}
	})
	for range 200_000 {
		if v := page.Read(); v.TSC != v.Mult || v.TSC != v.Mono || v.TSC != v.Wall {
			t.Errorf("mixed reading %+v", v)
			break
		}
	}
	close(stop)
	wg.Wait()
}

func TestMult(t *testing.T) {
	// 2 GHz: half a nanosecond per cycle
	if got, want := Mult(2_000_000), uint64(1)<<31; got != want {
		t.Errorf("Mult(2 GHz) = %#x, want %#x", got, want)
	}
}
