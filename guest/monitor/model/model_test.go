//go:build !race

// The searches are no Go code, so the race detector has nothing to see.

package model

import (
	"testing"

	"barreleye/urpc/model/spin"
)

// models are the protocols as they are.
var models = []spin.Search{
	{Model: "agreement"},
	{Model: "agreement", Defines: "ONE_PHASE"},
	{Model: "agreement", Defines: "CORES=2"},
	{Model: "join"},
	{Model: "relay"},
	{Model: "membership"},
	{Model: "membership", Defines: "INITIAL=3 DEATHS=1 RETURNS=2"},
}

// mutations are mistakes; each model says what its are.
var mutations = []spin.Search{
	{Model: "agreement", Defines: "RECORD_NEVER"},
	{Model: "agreement", Defines: "ONE_PHASE RECORD_NEVER"},
	{Model: "agreement", Defines: "RECORD_LATE"},
	{Model: "agreement", Defines: "ERASE_EARLY"},
	{Model: "agreement", Defines: "ONE_PHASE ERASE_EARLY"},
	{Model: "agreement", Defines: "COMMIT_UNASKED"},
	{Model: "agreement", Defines: "RECORD_UNREAD"},
	{Model: "agreement", Defines: "ONE_PHASE RECORD_UNREAD"},
	{Model: "agreement", Defines: "UNFENCED"},
	{Model: "agreement", Defines: "WIPE_EARLY"},
	{Model: "agreement", Defines: "HEAR_THE_DEAD"},
	{Model: "agreement", Defines: "WAIT_FOR_THE_DEAD"},

	{Model: "relay", Defines: "ASK_ONCE"},
	{Model: "relay", Defines: "FORGET_EARLY"},
	{Model: "relay", Defines: "SPEAK_FOR_OTHERS"},
	{Model: "relay", Defines: "REFUSE_ONCE"},

	{Model: "join", Defines: "NO_FLUSH"},
	{Model: "join", Defines: "SNAPSHOT_BARE"},
	{Model: "join", Defines: "FORGET_MISSED"},
	{Model: "join", Defines: "INCLUDE_LATE"},
	{Model: "join", Defines: "SETTLE_NOT"},
	{Model: "join", Defines: "NO_NEXT_SPONSOR"},

	{Model: "membership", Defines: "UNFENCED"},
	{Model: "membership", Defines: "PUBLISH_FIRST RETURNS=0"},
	{Model: "membership", Defines: "ADMIT_EARLY INITIAL=3 DEATHS=1 RETURNS=2"},
	{Model: "membership", Defines: "ADMIT_NEXT INITIAL=1 DEATHS=1 RETURNS=2"},
	{Model: "membership", Defines: "FORMER_SETTLED"},
	{Model: "membership", Defines: "SKIP_FIRST"},
	{Model: "membership", Defines: "WIPE_EARLY"},
	{Model: "membership", Defines: "BURY_NOT"},
	{Model: "membership", Defines: "NO_FLUSH"},
	{Model: "membership", Defines: "NO_NEXT_SPONSOR"},
	{Model: "membership", Defines: "ANEW_TOO_SOON"},
	{Model: "membership", Defines: "SETTLE_WITHOUT"},
}

// TestModels searches all states of the protocols and finds nothing wrong.
func TestModels(t *testing.T) {
	for _, s := range models {
		s.Want = spin.Correct
		s.Test(t)
	}
}

// TestMutations shows that each mistake is found.
func TestMutations(t *testing.T) {
	for _, s := range mutations {
		s.Want = spin.Wrong
		s.Test(t)
	}
}
