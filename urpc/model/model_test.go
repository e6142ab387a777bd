//go:build !race

// The searches are no Go code, so the race detector has nothing to see.

package model

import (
	"testing"

	"barreleye/urpc/model/spin"
)

// models are the protocols as they are.
var models = []spin.Search{
	{Model: "ring", Defines: "LINES=2 EVERY=1"},
	{Model: "ring", Defines: "LINES=4 EVERY=2 DEPTH=6"},
	{Model: "ring", Defines: "LINES=8 EVERY=4 DEPTH=4"},
	{Model: "ring", Defines: "LINES=4 EVERY=2 STALE"},
	{Model: "ring", Defines: "LINES=2 EVERY=1", Live: true},
	{Model: "ring", Defines: "LINES=4 EVERY=2 DEPTH=6", Live: true},
	{Model: "wake", Defines: "LINES=2 EVERY=1 MESSAGES=4"},
	{Model: "wake", Defines: "LINES=4 EVERY=2 MESSAGES=5"},
	{Model: "wake", Defines: "LINES=4 EVERY=1 MESSAGES=5"},
	{Model: "wake", Defines: "LINES=4 EVERY=1 MESSAGES=7 POLLS"},
	{Model: "wake", Defines: "LINES=2 EVERY=1 MESSAGES=2 HOSTED"},
	{Model: "bell", Defines: "MESSAGES=2"},
	{Model: "close", Defines: "LINES=2 MESSAGES=3"},
	{Model: "close", Defines: "LINES=2 MESSAGES=2 DIES=0"},
	{Model: "close", Defines: "LINES=2 MESSAGES=2 DIES=1"},
	{Model: "broadcast", Defines: "MESSAGES=4"},
	{Model: "broadcast", Defines: "LINES=4 EVERY=2 MESSAGES=4 DIRECT"},
	{Model: "broadcast", Defines: "MESSAGES=2 CLOSES=7"},
	{Model: "broadcast", Defines: "MESSAGES=1 CLOSES=1 DIES=0 DIRECT"},
	{Model: "broadcast", Defines: "READERS=1 MESSAGES=3 CLOSES=1 DIES=0"},
	{Model: "broadcast", Defines: "READERS=1 MESSAGES=3 EVERY=2 DIES=0 HOSTILE DIRECT"},
	{Model: "broadcast", Defines: "MESSAGES=2 CLOSES=2 DIES=1 DIRECT"},
	{Model: "bulk", Defines: "LINES=2 TELL=1 MESSAGES=3"},
	{Model: "bulk", Defines: "LINES=2 TELL=2 MESSAGES=4 NO_CLOSE FINE"},
	{Model: "bulk", Defines: "LINES=4 EVERY=1 TELL=2 MESSAGES=6 NO_CLOSE"},
	{Model: "bulk", Defines: "LINES=4 EVERY=1 TELL=2 MESSAGES=8 NO_CLOSE POLLS"},
	{Model: "bulk", Defines: "LINES=2 MESSAGES=2 DIES=0"},
	{Model: "bulk", Defines: "LINES=2 MESSAGES=2 DIES=1"},
	{Model: "call", Defines: "CALLS=2"},
	{Model: "call", Defines: "CALLS=1 DIES=0"},
	{Model: "call", Defines: "CALLS=1 DIES=1"},
}

// mutations are mistakes; docs/reference/urpc.md says what each one is.
var mutations = []spin.Search{
	{Model: "ring", Defines: "LINES=4 EVERY=2 HEADER_FIRST", Want: spin.Wrong},
	{Model: "ring", Defines: "LINES=4 EVERY=2 LIMIT_BEYOND", Want: spin.Wrong},
	{Model: "ring", Defines: "LINES=4 EVERY=2 IGNORE_SEQUENCE", Want: spin.Wrong},
	{Model: "ring", Defines: "LINES=4 EVERY=2 STALE IGNORE_EPOCH", Want: spin.Wrong},
	{Model: "ring", Defines: "LINES=4 EVERY=2 NO_ACK", Live: true, Want: spin.Stuck},

	{Model: "wake", Defines: "MESSAGES=3 DROP_SENDER_FENCE", Want: spin.Lost},
	{Model: "wake", Defines: "MESSAGES=3 DROP_SLEEPER_FENCE", Want: spin.Lost},
	{Model: "wake", Defines: "MESSAGES=3 DROP_RECHECK", Want: spin.Lost},
	{Model: "wake", Defines: "MESSAGES=3 HALT_WITHOUT_PENDING", Want: spin.Lost},
	{Model: "wake", Defines: "MESSAGES=3 GATE_WITH_IF", Want: spin.Lost},
	{Model: "wake", Defines: "MESSAGES=3 NO_STEP_OVER", Want: spin.Lost},
	{Model: "wake", Defines: "MESSAGES=3 SAME_GENERATION", Want: spin.Lost},
	{Model: "wake", Defines: "MESSAGES=3 WATCH_FRESH_VALUE", Want: spin.Lost},
	{Model: "wake", Defines: "MESSAGES=3 NO_RING_ON_ACK", Want: spin.Lost},
	{Model: "wake", Defines: "LINES=4 EVERY=1 MESSAGES=7 POLLS RING_EVERY_LAP", Want: spin.Lost},
	{Model: "wake", Defines: "MESSAGES=3 PARK_WITHOUT_FLUSH", Want: spin.Lost},
	{Model: "wake", Defines: "MESSAGES=3 NO_LAST_FLUSH", Want: spin.Lost},

	{Model: "wake", Defines: "MESSAGES=2 HOSTED DROP_SENDER_FENCE", Want: spin.Lost},
	{Model: "wake", Defines: "MESSAGES=2 HOSTED DROP_RECHECK", Want: spin.Lost},
	{Model: "wake", Defines: "MESSAGES=2 HOSTED DROP_LOOK_AFTER_ARM", Want: spin.Lost},

	{Model: "bell", Defines: "DROP_SENDER_FENCE", Want: spin.Lost},
	{Model: "bell", Defines: "DROP_SLEEPER_FENCE", Want: spin.Lost},
	{Model: "bell", Defines: "SAME_GENERATION", Want: spin.Lost},
	{Model: "bell", Defines: "LOOK_AT_ONE", Want: spin.Lost},

	{Model: "close", Defines: "MESSAGES=2 HEADER_FIRST", Want: spin.Wrong},
	{Model: "close", Defines: "MESSAGES=2 STATE_BEFORE_SENT", Want: spin.Wrong},
	{Model: "close", Defines: "MESSAGES=2 NO_SECOND_LOOK", Want: spin.Wrong},
	{Model: "close", Defines: "MESSAGES=2 NO_FREE_LINE", Want: spin.Wrong},
	{Model: "close", Defines: "MESSAGES=2 NO_CLOSE_MARK", Want: spin.Lost},
	{Model: "close", Defines: "MESSAGES=2 CLOSE_WITHOUT_WAKE", Want: spin.Lost},
	{Model: "close", Defines: "MESSAGES=2 ACK_WITHOUT_CLOSED", Want: spin.Lost},
	{Model: "close", Defines: "MESSAGES=2 DIES=0 BURY_UNFENCED", Want: spin.Wrong},
	{Model: "close", Defines: "MESSAGES=2 DIES=0 BURY_UNFINISHED", Want: spin.Wrong},
	{Model: "close", Defines: "MESSAGES=2 DIES=0 BURY_WITHOUT_WAKE", Want: spin.Lost},
	{Model: "close", Defines: "MESSAGES=2 DIES=1 BURY_WITHOUT_WAKE", Want: spin.Lost},
	{Model: "close", Defines: "MESSAGES=2 DIES=0 BURY_TRUSTS_HALF_CLOSE", Want: spin.Lost},
	{Model: "close", Defines: "MESSAGES=2 DIES=1 BURY_TRUSTS_HALF_CLOSE", Want: spin.Lost},

	{Model: "broadcast", Defines: "DROP_WRITER_FENCE", Want: spin.Lost},
	{Model: "broadcast", Defines: "WAKE_ONE", Want: spin.Lost},
	{Model: "broadcast", Defines: "LIMIT_OF_LAST", Want: spin.Wrong},
	{Model: "broadcast", Defines: "WATCH_FIRST", Want: spin.Lost},
	{Model: "broadcast", Defines: "WATCH_FRESH_VALUE", Want: spin.Lost},
	{Model: "broadcast", Defines: "PARK_WITHOUT_FLUSH", Want: spin.Lost},
	{Model: "broadcast", Defines: "NO_RING_ON_ACK", Want: spin.Lost},
	{Model: "broadcast", Defines: "MESSAGES=2 CLOSES=7 NO_FREE_LINE", Want: spin.Wrong},
	{Model: "broadcast", Defines: "MESSAGES=2 CLOSES=1 STATE_BEFORE_SENT", Want: spin.Wrong},
	{Model: "broadcast", Defines: "MESSAGES=2 CLOSES=1 NO_CLOSE_MARK", Want: spin.Lost},
	{Model: "broadcast", Defines: "MESSAGES=2 CLOSES=1 CLOSE_WITHOUT_WAKE", Want: spin.Lost},
	{Model: "broadcast", Defines: "MESSAGES=2 CLOSES=6 ACK_WITHOUT_CLOSED", Want: spin.Lost},
	{Model: "broadcast", Defines: "MESSAGES=2 DIES=0 DIRECT BURY_UNFENCED", Want: spin.Wrong},
	{Model: "broadcast", Defines: "MESSAGES=2 DIES=0 DIRECT BURY_UNFINISHED", Want: spin.Wrong},
	{Model: "broadcast", Defines: "MESSAGES=3 DIES=0 DIRECT BURY_OVERWRITES", Want: spin.Wrong},
	{Model: "broadcast", Defines: "MESSAGES=2 DIES=0 DIRECT BURY_OVERWRITES_MARK", Want: spin.Wrong},
	{Model: "broadcast", Defines: "MESSAGES=1 CLOSES=1 DIES=0 DIRECT BURY_TRUSTS_HALF_CLOSE", Want: spin.Lost},
	{Model: "broadcast", Defines: "MESSAGES=2 CLOSES=2 DIES=1 DIRECT BURY_TRUSTS_HALF_CLOSE", Want: spin.Lost},
	{Model: "broadcast", Defines: "MESSAGES=2 DIES=1 DIRECT BURY_STATE_ONLY", Want: spin.Lost},
	{Model: "broadcast", Defines: "MESSAGES=1 DIES=0 DIRECT BURY_WITHOUT_WAKE", Want: spin.Lost},
	{Model: "broadcast", Defines: "MESSAGES=2 DIES=1 DIRECT BURY_WITHOUT_WAKE", Want: spin.Lost},
	{Model: "broadcast", Defines: "READERS=1 EVERY=2 DIES=0 HOSTILE DIRECT BURY_ONCE", Want: spin.Lost},
	{Model: "broadcast", Defines: "READERS=1 EVERY=2 DIES=0 HOSTILE DIRECT DROP_BURIAL_FENCE", Want: spin.Lost},

	{Model: "bulk", Defines: "INDEX_FIRST", Want: spin.Wrong},
	{Model: "bulk", Defines: "LIMIT_BEYOND", Want: spin.Wrong},
	{Model: "bulk", Defines: "ACK_FIRST", Want: spin.Wrong},
	{Model: "bulk", Defines: "CLOSE_FIRST", Want: spin.Wrong},
	{Model: "bulk", Defines: "TELL=1 NO_CLOSE DROP_SENDER_FENCE", Want: spin.Lost},
	{Model: "bulk", Defines: "TELL=1 NO_CLOSE FINE DROP_SLEEPER_FENCE", Want: spin.Lost},
	{Model: "bulk", Defines: "TELL=1 NO_CLOSE DROP_RECHECK", Want: spin.Lost},
	{Model: "bulk", Defines: "TELL=1 NO_CLOSE WATCH_FRESH_VALUE", Want: spin.Lost},
	{Model: "bulk", Defines: "TELL=1 NO_CLOSE FLUSH_WITHOUT_WAKE", Want: spin.Lost},
	{Model: "bulk", Defines: "LINES=2 TELL=4 NO_CLOSE NO_TELL_ON_FULL PARK_WITHOUT_FLUSH", Want: spin.Lost},
	{Model: "bulk", Defines: "TELL=1 NO_CLOSE PARK_WITHOUT_FLUSH", Want: spin.Lost},
	{Model: "bulk", Defines: "NO_CLOSE NO_RING_ON_ACK", Want: spin.Lost},
	{Model: "bulk", Defines: "LINES=4 TELL=2 MESSAGES=8 NO_CLOSE POLLS RING_AFTER_LAP", Want: spin.Lost},
	{Model: "bulk", Defines: "CLOSE_WITHOUT_WAKE", Want: spin.Lost},
	{Model: "bulk", Defines: "ACK_WITHOUT_CLOSED", Want: spin.Lost},
	{Model: "bulk", Defines: "MESSAGES=2 DIES=0 BURY_UNFENCED", Want: spin.Wrong},
	{Model: "bulk", Defines: "MESSAGES=2 DIES=0 BURY_WITHOUT_WAKE", Want: spin.Lost},
	{Model: "bulk", Defines: "MESSAGES=2 DIES=1 BURY_WITHOUT_WAKE", Want: spin.Lost},

	{Model: "call", Defines: "CALLS=1 HEADER_FIRST", Want: spin.Wrong},
	{Model: "call", Defines: "CALLS=1 NO_SECOND_LOOK", Want: spin.Wrong},
	{Model: "call", Defines: "CALLS=1 PARK_WITHOUT_FLUSH", Want: spin.Lost},
	{Model: "call", Defines: "CALLS=1 DROP_SENDER_FENCE", Want: spin.Lost},
	{Model: "call", Defines: "CALLS=1 DROP_CLOSE_FENCE", Want: spin.Lost},
	{Model: "call", Defines: "CALLS=1 CLOSE_WITHOUT_WAKE", Want: spin.Lost},
	{Model: "call", Defines: "CALLS=1 DIES=0 BURY_UNFENCED", Want: spin.Wrong},
	{Model: "call", Defines: "CALLS=1 DIES=1 BURY_WITHOUT_WAKE", Want: spin.Lost},
	{Model: "call", Defines: "CALLS=1 DIES=0 BURY_TRUSTS_HALF_CLOSE", Want: spin.Lost},
	{Model: "call", Defines: "CALLS=1 DIES=1 BURY_TRUSTS_HALF_CLOSE", Want: spin.Lost},
}

// blind are mutations that a sequentially consistent memory hides: the reason why
// tso.pml exists.
var blind = []spin.Search{
	{Model: "wake", Defines: "MESSAGES=3 SEQUENTIAL DROP_SENDER_FENCE"},
	{Model: "wake", Defines: "MESSAGES=3 SEQUENTIAL DROP_SLEEPER_FENCE"},
}

// TestModels searches all states of the protocols and finds nothing wrong.
func TestModels(t *testing.T) {
	for _, s := range models {
		s.Want = spin.Correct
		s.Test(t)
	}
}

// TestMutations shows that each mistake is found, and as what.
func TestMutations(t *testing.T) {
	for _, s := range mutations {
		s.Test(t)
	}
}

// TestStoreBuffersMatter shows that without them a lost fence would pass.
func TestStoreBuffersMatter(t *testing.T) {
	for _, s := range blind {
		s.Want = spin.Correct
		s.Test(t)
	}
}
