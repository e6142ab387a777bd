package agreement

import (
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
	seeds.Mutations(t, 20_000, map[string]mutation{
		"record never": recordNever, "record late": recordLate, "records unread": recordsUnread,
		"snapshot bare": snapshotBare, "unfenced": unfenced,
		"ask once": askOnce, "take old": takeOld, "forget early": forgetEarly, "speak for all": speakForAll, "refuse once": refuseOnce,
	}, ofSeed)
}

// TestShrink: a failure is found again by its seed, and by the short list of choices that
// it is shrunk to; the transcript is that of the short run.
func TestShrink(t *testing.T) {
	wrong := ofSeed(recordNever)
	f := seeds.Find(1, 20_000, wrong)
	if f == nil {
		t.Fatal("not found out")
	}
	whole := simulate.Seeded(f.Seed, true)
	if err := wrong(simulate.Trial{Seed: f.Seed, Choices: whole}); err == nil || err.Error() != f.Err.Error() {
		t.Errorf("seed %d failed with %v, and now with %v", f.Seed, f.Err, err)
	}
	var text strings.Builder
	if err := wrong(simulate.Trial{Seed: f.Seed, Choices: simulate.Given(f.Choices), Log: &text}); err == nil || text.String() != f.Transcript {
		t.Errorf("choices %d: %v\n%s\nand before:\n%s", f.Choices, err, &text, f.Transcript)
	}
	if f.Size() > 10 {
		t.Errorf("%d choices were shrunk to %d that are not the simplest only", len(whole.Record()), f.Size())
	}
	if ofSeed(correct)(simulate.Trial{Seed: f.Seed, Choices: simulate.Given(f.Choices)}) != nil {
		t.Error("the short run fails without the mistake, too")
	}
	if !strings.Contains(f.Transcript, "dies") {
		t.Errorf("nobody dies in the short run:\n%s", f.Transcript)
	}
	t.Logf("seed %d: %v: shrunk to %d choices\n%s", f.Seed, f.ErrShort, f.Size(), f.Transcript)
}
