package top

import (
	"cmp"
	"fmt"
	"time"
)

// column is one figure of the table.
type column struct {
	title string
	left  bool // aligned so
	text  func(r *row) string
	order func(a, b *row) int // what is to stand first
}

// by makes an order by a figure, the largest first.
func by[T cmp.Ordered](of func(r *row) T) func(a, b *row) int {
	return func(a, b *row) int { return cmp.Compare(of(b), of(a)) }
}

// up makes an order by a figure, the smallest first.
func up[T cmp.Ordered](of func(r *row) T) func(a, b *row) int {
	return func(a, b *row) int { return cmp.Compare(of(a), of(b)) }
}

var columns = []column{
	{"CORE", false, func(r *row) string { return fmt.Sprint(r.Core) }, up(func(r *row) int { return r.Core })},
	{"LIFE", false, func(r *row) string { return fmt.Sprint(r.Life) }, by(func(r *row) uint64 { return r.Life })},
	{"IMAGE", true, func(r *row) string { return r.Image }, up(func(r *row) string { return r.Image })},
	{"CPU", false, func(r *row) string { return cpu(r.CPU) }, up(func(r *row) int { return r.CPU })},
	{"STATE", true, func(r *row) string { return r.state }, up(func(r *row) string { return r.state })},
	{"%CPU", false, func(r *row) string { return fmt.Sprintf("%.1f", r.busy) }, by(func(r *row) float64 { return r.busy })},
	{"%STEAL", false, func(r *row) string { return fmt.Sprintf("%.1f", r.steal) }, by(func(r *row) float64 { return r.steal })},
	{"SENT/s", false, func(r *row) string { return rate(r.sent) }, by(func(r *row) float64 { return r.sent })},
	{"RECV/s", false, func(r *row) string { return rate(r.received) }, by(func(r *row) float64 { return r.received })},
	{"MEM", false, func(r *row) string { return size(r.FramesUsed * 4) }, by(func(r *row) uint64 { return r.FramesUsed })},
	{"OF", false, func(r *row) string { return size(r.FramesTotal * 4) }, by(func(r *row) uint64 { return r.FramesTotal })},
	{"MAX", false, func(r *row) string { return size(r.FramesLimit * 4) }, by(func(r *row) uint64 { return r.FramesLimit })},
	{"RSS", false, func(r *row) string { return size(uint64(r.ResidentKiB)) }, by(func(r *row) int { return r.ResidentKiB })},
	{"GC", false, func(r *row) string { return fmt.Sprint(r.Collections) }, by(func(r *row) uint64 { return r.Collections })},
	{"PAUSE", false, func(r *row) string { return brief(r.PauseNS) }, by(func(r *row) uint64 { return r.PauseNS })},
	{"TICKS/s", false, func(r *row) string { return rate(r.ticks) }, by(func(r *row) float64 { return r.ticks })},
	{"HALTS/s", false, func(r *row) string { return rate(r.halts) }, by(func(r *row) float64 { return r.halts })},
}

func cpu(n int) string {
	if n < 0 {
		return "-" // any
	}
	return fmt.Sprint(n)
}

// rate writes events per second in at most six places.
func rate(v float64) string { return scaled(v, 1000, "kMG", 0) }

// size writes KiB in at most six places.
func size(kib uint64) string { return scaled(float64(kib), 1024, "MGT", 'K') }

func scaled(v, step float64, units string, unit byte) string {
	for ; v >= 10*step && units != ""; units = units[1:] {
		v, unit = v/step, units[0]
	}
	if unit == 0 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.0f%c", v, unit)
}

// brief writes a time in at most six places.
func brief(ns uint64) string {
	d := time.Duration(ns)
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%dus", d.Microseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	}
	return fmt.Sprintf("%.0fs", d.Seconds())
}
