// Package inspect is what a core's monitor tells of the program around it: the stacks of
// its goroutines and its profiles, all as the Go runtime makes them.
package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"time"

	"barreleye/guest/monitor/requests"
)

// ErrTicks says that nothing interrupts the core to sample it.
var ErrTicks = errors.New("a CPU profile samples the program at the tick, and this core has none: run it without --tick 0")

// Answer answers a request of the VMM. ticks says whether the core is interrupted while it
// computes.
func Answer(ctx context.Context, kind requests.Kind, arg uint64, ticks bool) ([]byte, error) {
	switch kind {
	case requests.Stacks:
		return stacks(), nil
	case requests.CPU:
		if !ticks {
			return nil, ErrTicks
		}
		return sample(ctx, time.Duration(arg))
	}
	p := pprof.Lookup(kind.String())
	if p == nil {
		return nil, fmt.Errorf("there is no profile %v", kind)
	}
	var b bytes.Buffer
	err := p.WriteTo(&b, 0)
	return b.Bytes(), err
}

// stacks returns what all goroutines do. The runtime cuts off what does not fit.
func stacks() []byte {
	for size := 64 << 10; ; size *= 4 {
		b := make([]byte, size)
		if n := runtime.Stack(b, true); n < size || size*4 > requests.MaxAnswer {
			return b[:n]
		}
	}
}

// sample takes a CPU profile.
func sample(ctx context.Context, d time.Duration) ([]byte, error) {
	if d <= 0 || d > requests.MaxSample {
		return nil, fmt.Errorf("a CPU profile of %v: take it for up to %v", d, requests.MaxSample)
	}
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		return nil, err // somebody else takes one
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	pprof.StopCPUProfile()
	return b.Bytes(), ctx.Err()
}
