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

	{Model: "join", Defines: "NO_FLUSH"},
	{Model: "join", Defines: "SNAPSHOT_BARE"},
	{Model: "join", Defines: "FORGET_MISSED"},
	{Model: "join", Defines: "INCLUDE_LATE"},
	{Model: "join", Defines: "SETTLE_NOT"},
	{Model: "join", Defines: "NO_NEXT_SPONSOR"},
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
