package agreement

import (
	"testing"

	"barreleye/guest/monitor/simulate"
)

// mutation is a way to run the protocol wrongly.
type mutation uint8

const (
	correct       mutation = iota
	recordNever            // a coordinator records nothing
	recordLate             // it records after it has told others
	recordsUnread          // nobody reads what the dead recorded
	snapshotBare           // a snapshot does not say how far its sponsor was
	unfenced               // cores are declared dead on suspicion, and live on
)

// TestMutations: the simulation finds out every one of them, so it can fail.
func TestMutations(t *testing.T) {
	for name, m := range map[string]mutation{
		"record never": recordNever, "record late": recordLate, "records unread": recordsUnread,
		"snapshot bare": snapshotBare, "unfenced": unfenced,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed < 20_000; seed++ {
				w := ofSeed(seed, simulate.Seeded(seed, false))
				w.mutation, w.world.Suspects = m, m == unfenced
				if err := w.run(); err != nil {
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			t.Error("not found out")
		})
	}
}
