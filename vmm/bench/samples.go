package bench

import "math"

// Percentiles of N samples, in the row's unit.
type Percentiles struct {
	N    int     `json:"n"`
	Min  float64 `json:"min"`
	P10  float64 `json:"p10"`
	P25  float64 `json:"p25"`
	P50  float64 `json:"p50"`
	P75  float64 `json:"p75"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
}

// Bucket counts the samples from From on and below To.
type Bucket struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Count int     `json:"count"`
}

// perOctave is how many buckets there are from a value to its double: each is
// 4.4 % wide.
const perOctave = 16

// quantile returns the q-quantile of sorted samples, 0 of none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// middle returns the mean of the middle half of sorted samples, 0 of none. What is rare moves it
// as little as the median, and what takes a few steps of the clock (10 ns on some CPUs) is
// known finer by it.
func middle(sorted []float64) (mean float64) {
	rest := len(sorted) / 4
	half := sorted[rest : len(sorted)-rest]
	for _, v := range half {
		mean += v / float64(len(half))
	}
	return mean
}

func percentiles(sorted []float64) Percentiles {
	q := func(q float64) float64 { return round(quantile(sorted, q)) }
	return Percentiles{
		N: len(sorted), Min: q(0), P10: q(0.1), P25: q(0.25), P50: q(0.5), P75: q(0.75), P90: q(0.9), P99: q(0.99), P999: q(0.999), Max: q(1),
	}
}

// histogram counts sorted samples by buckets; empty ones are left out. What is
// not above zero stands in a bucket from 0 to 0.
func histogram(sorted []float64) []Bucket {
	var out []Bucket
	for _, v := range sorted {
		var b Bucket
		if v > 0 {
			k := math.Floor(math.Log2(v) * perOctave)
			b = Bucket{From: math.Exp2(k / perOctave), To: math.Exp2((k + 1) / perOctave)}
		}
		if n := len(out); n == 0 || out[n-1].To != b.To {
			out = append(out, b)
		}
		out[len(out)-1].Count++
	}
	return out
}

// scaled returns samples divided by scale.
func scaled(samples []float64, scale float64) []float64 {
	out := make([]float64, len(samples))
	for i, v := range samples {
		out[i] = v / scale
	}
	return out
}

func round(v float64) float64 { return math.Round(v*100) / 100 }
