// Package lifecycle says which states the cores of a run go through, one life after
// another. It is a pure state machine: told what happened (a command, an end, a
// survivor that let go), it says what is to be done, and does nothing itself.
//
//	off ──begin──> building ──built──> waiting ──> booting ──main──> running <──> parked
//	                  ^  (nobody holds anything of the life before)      │           │
//	                  │                                        stop, restart ──> stopping
//	                  └── restart, update, or as the tree of package supervise says ── ended
//
// A life may end by itself in any state from booting on. docs/explanation/lifecycle.md
// tells it with pictures.
package lifecycle

// State is where a core is.
type State int

// States of a core.
const (
	Off      State = iota // it has not lived yet
	Building              // its next life is being made ready
	Waiting               // that is ready: others still hold something of the life before
	Booting               // it runs, and its program has not reached main
	Running
	Parked   // off its CPU, memory kept
	Stopping // asked to end
	Ended    // no further life is under way
)

// String names the state as tables show it.
func (s State) String() string {
	return [...]string{"off", "building", "waiting", "booting", "running", "parked", "stopping", "ended"}[s]
}

// Lives reports whether there is a life, which will end.
func (s State) Lives() bool { return s >= Booting && s <= Stopping }

// Do is a kind of action.
type Do int

// Actions.
const (
	Build   Do = iota // make life Life of the core ready; Built tells how that went
	Discard           // what was built is not wanted any more
	Start             // begin that life
	Ask               // ask the program to end; GraceOver tells that it had its time
	Kill              // end the life at once
	Park              // take it off its CPU
	Resume            // let it go on
	GiveUp            // cores were restarted too often: the run is over
)

// String names the action in transcripts.
func (d Do) String() string {
	return [...]string{"build", "discard", "start", "ask", "kill", "park", "resume", "give up"}[d]
}

// Action is something to be done about a core.
type Action struct {
	Do   Do
	Core int
	Life uint64 // Build, Start: which of its lives, 1 for the first
	Why  string // GiveUp
}
