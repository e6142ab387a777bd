package churn

import (
	"errors"

	"barreleye/vmm/lifecycle"
	"barreleye/vmm/multikernel"
)

// shares says how often each command is asked for.
var shares = []struct {
	op multikernel.Op
	of int
}{
	{multikernel.OpKill, 25}, {multikernel.OpRestart, 20}, {multikernel.OpStop, 10}, {multikernel.OpAdd, 20},
	{multikernel.OpPark, 10}, {multikernel.OpResume, 25}, {multikernel.OpUpdate, 15},
}

// choose returns the next command.
func (r *round) choose() multikernel.Command {
	all := 0
	for _, s := range shares {
		all += s.of
	}
	n := r.rng.IntN(all)
	cmd := multikernel.Command{Core: r.rng.IntN(r.cores), Drain: r.rng.IntN(2) == 0}
	for _, s := range shares {
		if cmd.Op = s.op; n < s.of {
			break
		}
		n -= s.of
	}
	switch cmd.Op {
	case multikernel.OpStop:
		cmd.Core = max(cmd.Core, 1) // a run ends with its last core
	case multikernel.OpUpdate:
		cmd.Image = r.cfg.Update
	case multikernel.OpPark:
		r.parked[cmd.Core] = true
	case multikernel.OpResume:
		for core := range r.cores { // the first that may be parked, so that none is so for long
			if r.parked[core] {
				cmd.Core = core
				delete(r.parked, core)
				break
			}
		}
	}
	return cmd
}

// refusal reports whether an error says that a core is not, or was not any more, as the
// command needs it.
func refusal(err error) bool {
	for _, e := range []error{
		lifecycle.ErrAlive, lifecycle.ErrNotAlive, lifecycle.ErrNotRuns, lifecycle.ErrParked, lifecycle.ErrEnding,
		multikernel.ErrNoRoom, multikernel.ErrBusy, multikernel.ErrStopped, multikernel.ErrEarly, multikernel.ErrOvertaken, multikernel.ErrEnded,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
