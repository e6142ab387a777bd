package agreement

import (
	"io"
	"strings"
	"testing"

	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/seeds"
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
	askOnce                // a coordinator does not ask again in a new view
	takeOld                // what was said in another view is taken
	forgetEarly            // what is said in a view to come is dropped
	speakForAll            // a vote on its way is passed on as everybody's
	refuseOnce             // who hears of a refusal need not say so
)

// TestMutations: the simulation finds out every one of them, so it can fail.
func TestMutations(t *testing.T) {
	for name, m := range map[string]mutation{
		"record never": recordNever, "record late": recordLate, "records unread": recordsUnread,
		"snapshot bare": snapshotBare, "unfenced": unfenced,
		"ask once": askOnce, "take old": takeOld, "forget early": forgetEarly, "speak for all": speakForAll, "refuse once": refuseOnce,
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

// TestShrink: a failure is found again by its seed, and by the short list of choices that
// it is shrunk to; the transcript is that of the short run.
func TestShrink(t *testing.T) {
	wrong := func(seed uint64, c *simulate.Choices, log io.Writer) error {
		r := ofSeed(seed, c)
		r.mutation, r.log = recordNever, log
		return r.run()
	}
	f := seeds.Find(1, 20_000, wrong)
	if f == nil {
		t.Fatal("not found out")
	}
	whole := simulate.Seeded(f.Seed, true)
	if err := wrong(f.Seed, whole, nil); err == nil || err.Error() != f.Err.Error() {
		t.Errorf("seed %d failed with %v, and now with %v", f.Seed, f.Err, err)
	}
	var text strings.Builder
	if err := wrong(f.Seed, simulate.Given(f.Choices), &text); err == nil || text.String() != f.Transcript {
		t.Errorf("choices %d: %v\n%s\nand before:\n%s", f.Choices, err, &text, f.Transcript)
	}
	if f.Size() > 10 {
		t.Errorf("%d choices were shrunk to %d that are not the simplest only", len(whole.Record()), f.Size())
	}
	if run(f.Seed, simulate.Given(f.Choices), nil) != nil {
		t.Error("the short run fails without the mistake, too")
	}
	if !strings.Contains(f.Transcript, "dies") {
		t.Errorf("nobody dies in the short run:\n%s", f.Transcript)
	}
	t.Logf("seed %d: %v: shrunk to %d choices\n%s", f.Seed, f.ErrShort, f.Size(), f.Transcript)
}
