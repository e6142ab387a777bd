package bench

import (
	"fmt"
	"time"

	"barreleye/images/bench/measure"

	"golang.org/x/sys/unix"
)

// sharedRows measures messages between cores that share two CPUs, where none of
// them polls, in turns with as many threads of Linux on the same CPUs, which wake
// each other by event descriptors.
func sharedRows(o Options) ([]Row, error) {
	var rows []Row
	for _, cores := range []int{4, 8} {
		var all []*measure.Series
		for turn := range turns {
			o.step("%d cores on 2 CPUs, turn %d of %d", cores, turn+1, turns)
			s, err := o.guests("shared", cores, o.rounds(20))
			if err != nil {
				return rows, err
			}
			least, err := threadPairs(cores/2, o.rounds(20), s[0].Per)
			if err != nil {
				return rows, err
			}
			s[0].Limit, s[0].LimitOf = least, "eventfd"
			if turn == 0 {
				all = s
				continue
			}
			for i := range all {
				all[i].Samples, all[i].Limit = append(all[i].Samples, s[i].Samples...), append(all[i].Limit, s[i].Limit...)
			}
		}
		rows = append(rows, seriesRows(all)...)
	}
	return rows, nil
}

// threadPairs has so many pairs of threads, whose halves are on CPUs 0 and 1, wake
// each other at once, and returns the ns of each round trip of the first pair, each
// the mean of n.
func threadPairs(pairs, rounds, n int) ([]float64, error) {
	samples := make([]float64, 0, rounds)
	var all []<-chan error
	for pair := range pairs {
		there, e1 := unix.Eventfd(0, unix.EFD_CLOEXEC)
		back, e2 := unix.Eventfd(0, unix.EFD_CLOEXEC)
		for _, err := range []error{e1, e2} {
			if err != nil {
				return nil, fmt.Errorf("bench: event descriptor: %w: raise the limit on open files (ulimit -n)", err)
			}
		}
		defer unix.Close(there)
		defer unix.Close(back)
		all = append(all, pinned(1, func() {
			for range rounds * n {
				wait(there)
				signal(back)
			}
		}), pinned(0, func() {
			for range rounds {
				start := time.Now()
				for range n {
					signal(there)
					wait(back)
				}
				if pair == 0 {
					samples = append(samples, float64(time.Since(start).Nanoseconds())/float64(n))
				}
			}
		}))
	}
	for _, done := range all {
		if err := <-done; err != nil {
			return nil, err // the others, if they wait, end with the command
		}
	}
	return samples, nil
}
