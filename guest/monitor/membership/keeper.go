package membership

import (
	"slices"

	"barreleye/guest/monitor/cores"
)

// Keeper decides which view follows. Its rules:
//
//   - a dead core leaves at once;
//   - a core joins only when every member has settled the view of today: then nobody
//     needs what the core's last life left behind (its decision records, its
//     channels), and at most one member lacks the replicated state;
//   - cores join in the order in which they came.
//
// It is a pure state machine: its owner fences cores and publishes views.
type Keeper struct {
	view     View
	admitted cores.Set         // members of the view in which view.Joining was admitted
	initial  int               // cores of the first view
	settled  [cores.Max]uint64 // by core: the epoch it settled last
	waiting  []int             // cores that want to join
}

// NewKeeper returns the keeper of a multikernel that starts with cores 0 to n-1, all
// of them holders of the initial state, in epoch 1.
func NewKeeper(n int) *Keeper {
	return &Keeper{view: View{Epoch: 1, Members: cores.First(n), Joining: Nobody}, initial: n}
}

// Published returns the view of today with what those need who have seen none.
func (k *Keeper) Published() Published { return Published{k.view, k.admitted, k.initial} }

// Joins reports whether some core waits for members to settle before it can join.
func (k *Keeper) Joins() bool { return len(k.waiting) > 0 }

// View returns the view of today.
func (k *Keeper) View() View { return k.view }

// Died says that a core was fenced. It reports whether the view changed. A core that
// died before it joined does not join.
func (k *Keeper) Died(core int) (changed bool) {
	if at := slices.Index(k.waiting, core); at >= 0 {
		k.waiting = slices.Delete(k.waiting, at, at+1)
	}
	if !k.view.Members.Has(core) {
		return false
	}
	k.view.Members.Remove(core)
	if j := k.view.Joining; j == core || j != Nobody && k.settled[j] != 0 {
		k.view.Joining = Nobody // it died too, or holds the state
	}
	k.view.Epoch++
	k.admit()
	return true
}

// Returned says that a core that is no member has started and wants to join. It
// reports whether the view changed.
func (k *Keeper) Returned(core int) (changed bool) {
	if k.view.Members.Has(core) || slices.Contains(k.waiting, core) {
		return false
	}
	k.waiting = append(k.waiting, core)
	return k.admit()
}

// Settled says that a member has done what the view of an epoch asks of it: it needs
// nothing that cores outside have left, and holds the replicated state. It reports
// whether the view changed.
func (k *Keeper) Settled(core int, epoch uint64) (changed bool) {
	if !k.view.Members.Has(core) || epoch > k.view.Epoch || epoch <= k.settled[core] {
		return false // late, hostile or repeated: it counts for nothing
	}
	if core == k.view.Joining && epoch < k.view.JoinEpoch {
		return false // it was no member then
	}
	k.settled[core] = epoch
	return k.admit()
}

// Waits returns the members that have not settled the view of today.
func (k *Keeper) Waits() (s cores.Set) {
	for c := range k.view.Members.All() {
		if k.settled[c] != k.view.Epoch {
			s.Add(c)
		}
	}
	return s
}

// admit lets the next core join, if it may.
func (k *Keeper) admit() bool {
	if len(k.waiting) == 0 || k.Waits() != (cores.Set{}) {
		return false
	}
	core := k.waiting[0]
	k.waiting = k.waiting[1:]
	k.view.Epoch++
	k.view.Members.Add(core)
	k.view.Joining, k.view.JoinEpoch, k.admitted = core, k.view.Epoch, k.view.Members
	k.settled[core] = 0
	return true
}
