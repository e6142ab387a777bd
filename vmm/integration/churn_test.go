package integration

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/churn"
	"barreleye/vmm/image"
)

// TestChurn: cores that are killed, stopped, parked, restarted, updated and added at random
// under load, once; `make soak` does it for as long as you like.
func TestChurn(t *testing.T) {
	if unusable != "" {
		lacks(t, unusable)
	}
	cfg := churn.Config{
		Platform: platform, Image: load(t, "soak", image.LoadOptions{}), Update: load(t, "soak", image.LoadOptions{}),
		Seed: uint64(time.Now().Unix()), Most: scaled(8, 3), Dir: t.TempDir(),
	}
	s, err := churn.Run(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s.Account.Unaccounted != 0 || s.Lives < 2 {
		t.Errorf("%v", s)
	}
	t.Log(s)
}

// TestChurnTellsOfAHang: what it says of a run that hangs is enough to find out why. For
// this one everything takes too long.
func TestChurnTellsOfAHang(t *testing.T) {
	if unusable != "" {
		lacks(t, unusable)
	}
	var told bytes.Buffer
	im := load(t, "soak", image.LoadOptions{})
	s, err := churn.Run(churn.Config{
		Platform: platform, Image: im, Update: im, Seed: 1, Most: 2, Dir: t.TempDir(), Patience: 1, Progress: &told,
	})
	if err == nil {
		t.Fatalf("no error: %v", s)
	}
	t.Logf("%s%v", &told, err)
	for _, want := range []string{"hung", "seed 1", "SOAK_PLATFORM=" + platform + " SOAK_SEED=1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q", want)
		}
	}
	for _, want := range []string{"while it hung", "core 0 life 1, ", "core 1 life 1, ", "the VMM:", "the last lines of the log", "commands without an answer: none"} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("what it tells lacks %q", want)
		}
	}
}
