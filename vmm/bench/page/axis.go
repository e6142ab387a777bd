package page

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
)

// axis is how values are shown along one side.
type axis struct {
	label  string
	unit   func(float64) string // writes a value, nil: as a number
	linear bool                 // logarithmic otherwise
	narrow bool                 // has half a plot's width
}

// octaves reports whether ticks are powers of two, not ten.
func (a axis) octaves() bool {
	return a.label == "payload" || a.label == "lines of the ring" || a.label == "under way" || a.label == "cores"
}

// Ticks places ticks so that their labels neither touch nor are too few.
func (a axis) Ticks(lo, hi float64) (out []plot.Tick) {
	write := a.unit
	if write == nil {
		write = plain
	}
	switch {
	case a.linear:
		step := math.Pow(10, math.Floor(math.Log10(hi-lo)))
		for _, f := range []float64{0.1, 0.2, 0.5, 1, 2} {
			if (hi-lo)/(step*f) <= 6 {
				step *= f
				break
			}
		}
		for v := math.Ceil(lo/step) * step; v <= hi*1.0001; v += step {
			out = append(out, plot.Tick{Value: v, Label: write(v)})
		}
	case a.octaves():
		first, last := math.Ceil(math.Log2(lo)-1e-9), math.Floor(math.Log2(hi)+1e-9)
		each := math.Max(1, math.Ceil((last-first+1)/6))
		for k := first; k <= last; k++ {
			t := plot.Tick{Value: math.Exp2(k)}
			if math.Mod(k-first, each) == 0 {
				t.Label = write(t.Value)
			}
			out = append(out, t)
		}
	default:
		decades := math.Log10(hi / lo)
		labelled := map[int]bool{1: true}
		if decades < 3 {
			labelled[3] = true
		}
		if decades < 1.2 {
			labelled = map[int]bool{1: true, 2: true, 5: true}
		}
		if decades < 0.8 {
			labelled = map[int]bool{1: true, 2: true, 3: true, 4: true, 6: true, 8: true}
		}
		most := 6.0
		if a.narrow {
			most = 3
		}
		each := math.Max(1, math.Ceil(decades/most))
		start := math.Floor(math.Log10(lo))
		for k := start; k <= math.Ceil(math.Log10(hi)); k++ {
			for m := 1; m < 10; m++ {
				t := plot.Tick{Value: float64(m) * math.Pow(10, k)}
				if t.Value < lo*0.9999 || t.Value > hi*1.0001 {
					continue
				}
				if labelled[m] && math.Mod(k-start, each) == 0 {
					t.Label = write(t.Value)
				}
				out = append(out, t)
			}
		}
	}
	return out
}

// loosen gives the data some room at both ends.
func loosen(a *plot.Axis, is axis) {
	switch {
	case is.linear:
		a.Max += (a.Max - a.Min) * 0.03
	case a.Min <= 0 || a.Max <= 0: // there is no data: any range does
		a.Min, a.Max = 1, 10
	default:
		// at least the distance from one label to the next
		for a.Max/a.Min < 4 {
			a.Min, a.Max = a.Min/1.1, a.Max*1.1
		}
		a.Min, a.Max = a.Min/1.06, a.Max*1.06
		if decade := math.Pow(10, math.Floor(math.Log10(a.Min))); !is.octaves() && a.Min < 2*decade {
			a.Min = decade // its label is near enough
		}
	}
}

func plain(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.4gM", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.4gk", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}

func countUnit(v float64) string { return fmt.Sprintf("%.0f", v) }

func timeUnit(ns float64) string {
	switch {
	case ns < 1e3*0.999:
		return fmt.Sprintf("%.4g ns", ns)
	case ns < 1e6*0.999:
		return fmt.Sprintf("%.4g us", ns/1e3)
	case ns < 1e9*0.999:
		return fmt.Sprintf("%.4g ms", ns/1e6)
	}
	return fmt.Sprintf("%.4g s", ns/1e9)
}

func byteUnit(v float64) string {
	switch {
	case v >= 1<<20:
		return fmt.Sprintf("%.4g MiB", v/(1<<20))
	case v >= 1<<10:
		return fmt.Sprintf("%.4g KiB", v/(1<<10))
	}
	return fmt.Sprintf("%.0f B", v)
}
