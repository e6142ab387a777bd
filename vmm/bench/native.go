package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"barreleye/vmm/bench/native"
	"barreleye/vmm/bench/peers"
)

// What a native peer is measured by.
const (
	nativeSamples  = 51
	nativeCalls    = 2000            // of a sample of round trips
	nativeMessages = 200_000         // of a sample of a stream
	nativeMost     = 2 * time.Minute // after which a compiler or a peer hangs
)

// nativePeerRows measures the peers in C++ on the CPUs of cores 0 and 1. One whose
// package is missing has a row that says so.
func nativePeerRows(o Options) ([]Row, error) {
	cpus := allowedCPUs()
	if len(cpus) < 2 {
		return nil, fmt.Errorf("bench: one CPU: peers need two: give this process more (taskset, cpuset)")
	}
	dir, err := os.MkdirTemp("", "barreleye-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w: set TMPDIR to a folder with room", err)
	}
	defer os.RemoveAll(dir)
	var rows []Row
	for _, p := range native.Peers {
		o.step("peers: %s", p.Name)
		more, err := o.nativePeer(p, dir, cpus)
		if errors.Is(err, native.ErrMissing) {
			for _, name := range []string{peers.RoundTrip, peers.Stream} {
				r := row(name, "ns", 1, nil, nil).kind(Peer).with("peer", p.Name)
				r.Note = fmt.Sprintf("not measured: %v", err)
				more = append(more, r)
			}
		} else if err != nil {
			return rows, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// nativePeer compiles and runs one.
func (o Options) nativePeer(p native.Peer, dir string, cpus []int) ([]Row, error) {
	ctx, cancel := context.WithTimeout(context.Background(), nativeMost)
	defer cancel()
	program, err := p.Compile(ctx, dir)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, fmt.Sprint(cpus[0]), fmt.Sprint(cpus[1]),
		fmt.Sprint(o.rounds(nativeSamples)), fmt.Sprint(nativeCalls), fmt.Sprint(nativeMessages))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("bench: %s: %w: its own lines stand above", p.Name, err)
	}
	return rowsOfPeers(out)
}
