package integration

import (
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
