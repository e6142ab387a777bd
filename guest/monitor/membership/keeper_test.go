package membership

import (
	"testing"

	"barreleye/guest/monitor/cores"
)

// settle has all members settle the view of today, lowest first, until one of them
// changes it.
func settle(k *Keeper) {
	v := k.View()
	for c := range v.Members.All() {
		if k.Settled(c, v.Epoch) {
			return
		}
	}
}

func TestJoinWaitsForAll(t *testing.T) {
	k := NewKeeper(3)
	settle(k)
	if !k.Died(1) || k.View().Members != cores.Of(0, 2) {
		t.Fatalf("%+v", k.View())
	}
	if k.Returned(1) || k.Returned(1) {
		t.Fatal("joined before the others settled its death")
	}
	if k.Settled(0, 2) || k.Settled(0, 1) || k.Settled(0, 99) || k.Settled(7, 2) {
		t.Fatal("joined before core 2 settled")
	}
	if w := k.Waits(); w != cores.Of(2) {
		t.Fatalf("waits for %v", w)
	}
	if !k.Settled(2, 2) {
		t.Fatal("did not join")
	}
	v := k.View()
	if v.Epoch != 3 || v.Members != cores.First(3) || v.Joining != 1 || v.JoinEpoch != 3 || v.Sponsor() != 0 || v.Holders() != cores.Of(0, 2) {
		t.Fatalf("%+v", v)
	}
	if k.Returned(1) {
		t.Fatal("a member joined")
	}
}

func TestOneJoinsAtATime(t *testing.T) {
	k := NewKeeper(1)
	settle(k)
	if !k.Returned(5) || k.Returned(6) || k.View().Joining != 5 {
		t.Fatalf("%+v", k.View())
	}
	if k.Settled(0, 2) || !k.Settled(5, 2) || k.View().Joining != 6 {
		t.Fatalf("%+v", k.View())
	}
}

// TestJoinedHolds: once the joining core has settled, later views count it among
// the holders, also if all others die.
func TestJoinedHolds(t *testing.T) {
	k := NewKeeper(1)
	settle(k)
	k.Returned(1)
	k.Settled(1, 2)
	k.Died(0)
	if v := k.View(); v.Joining != Nobody || v.Holders() != cores.Of(1) {
		t.Fatalf("%+v", v)
	}
}

func TestDeathOfTheJoining(t *testing.T) {
	k := NewKeeper(2)
	settle(k)
	k.Returned(2)
	k.Returned(3)
	if !k.Died(2) {
		t.Fatal("stayed")
	}
	if v := k.View(); v.Joining != Nobody || v.Sponsor() != Nobody || v.Members != cores.First(2) || v.Holders() != v.Members {
		t.Fatalf("%+v", v)
	}
	if k.Died(3) {
		t.Fatal("one who waited changed the view")
	}
	settle(k)
	if v := k.View(); v.Joining != Nobody {
		t.Fatalf("a dead core joined: %+v", v)
	}
}

// TestAllHoldersDie: the joining core is told that nobody gives it a state.
func TestAllHoldersDie(t *testing.T) {
	k := NewKeeper(1)
	settle(k)
	k.Returned(1)
	k.Died(0)
	if v := k.View(); v.Joining != 1 || v.Sponsor() != Nobody {
		t.Fatalf("%+v", v)
	}
	k.Died(1)
	if v := k.View(); v.Members.Len() != 0 {
		t.Fatalf("%+v", v)
	}
	if !k.Returned(1) {
		t.Fatal("the first core of an empty multikernel waits")
	}
}
