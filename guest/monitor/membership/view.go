// Package membership says which cores a multikernel consists of. Whether a core is
// dead is not agreed upon: the VMM knows, because it stops the core first (a fence)
// and only then publishes a view without it. So no two cores are ever in views that
// contradict each other, and a suspicion removes nobody.
//
// Keeper is the VMM's half: which view may follow which. The cores' half is what
// each protocol does with a View; Settled is their answer.
package membership

import "barreleye/guest/monitor/cores"

// View is who takes part from an epoch on. Views are numbered without gaps, but a
// core may see only the latest of several.
type View struct {
	Epoch   uint64
	Members cores.Set

	// Joining is the member that does not hold the replicated state yet, Nobody if
	// all do. It was admitted in epoch JoinEpoch: what began in that epoch or later
	// includes it.
	Joining   int
	JoinEpoch uint64
}

// Nobody is no core.
const Nobody = -1

// Holders returns the members that hold the replicated state.
func (v *View) Holders() cores.Set {
	h := v.Members
	if v.Joining != Nobody {
		h.Remove(v.Joining)
	}
	return h
}

// Sponsor returns the member that gives the joining one its state, or Nobody: no
// core joins, or no holder is left and the joining one begins with none.
func (v *View) Sponsor() int {
	if v.Joining == Nobody {
		return Nobody
	}
	h := v.Holders()
	return h.Lowest()
}
