package agreement

import (
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
)

// EventKind says what happened.
type EventKind uint8

// Events.
const (
	EventStart    EventKind = 1 + iota // this core's program wants Op to take effect
	EventMessage                       // Message came from core From
	EventSnapshot                      // Snapshot came from core From
	EventView                          // View was published
	EventCall                          // this core has opened a channel to core From, which is no neighbour of its
)

// Event is what happened.
type Event struct {
	Kind EventKind
	From int

	// EventStart: Op is at most MaxOp bytes. All says that Op changes what all cores hold alike. Otherwise it
	// changes what this core and those in To hold for themselves. TwoPhases says that
	// all of them must agree first. Tag is the program's.
	Op        Op
	All       bool
	To        cores.Set
	TwoPhases bool
	Tag       uint64

	Message  Message
	Snapshot Snapshot

	// EventView: Records returns what a core that is in the view no more had
	// recorded. It was fenced, so everybody reads the same.
	View    membership.View
	Records func(core int) [Window]Record
}

// Of returns the epoch of the view in which a message or a snapshot was sent.
func (e *Event) Of() uint64 {
	if e.Kind == EventSnapshot {
		return e.Snapshot.Epoch
	}
	return e.Message.Epoch
}

// ActionKind says what to do.
type ActionKind uint8

// Actions.
const (
	ActSend     ActionKind = 1 + iota // Message to core To
	ActRecord                         // store Record in place Slot, before anything that follows in the list
	ActResult                         // the operation with this Tag has ended
	ActSnapshot                       // Snapshot to core To
	ActSettled                        // tell the VMM: the view of Epoch is settled here
	ActAllHere                        // all members are in the view of Epoch
	ActCalled                         // open the channel to core To, which did so
)

// Action is something to do, in the order of the list. What it points to is good until the
// next Step. Its Kind says which of the others count.
type Action struct {
	Kind     ActionKind
	Outcome  Outcome
	To       int
	Message  *Message
	Slot     int
	Record   *Record // the zero Record where none is needed any more
	Tag      uint64
	Seq      uint64 // ActResult: the operation's, 0 where it was not begun
	Snapshot *Snapshot
	Epoch    uint64
}

// Outcome is how an operation ended.
type Outcome uint8

// Outcomes.
const (
	Committed Outcome = 1 + iota // it took effect at all cores that live
	Refused                      // it took effect nowhere: some core's state does not allow it now
	Busy                         // it was not begun: Window operations are under way, or this core has no state yet
	TooLong                      // it was not begun: Op is longer than MaxOp
)

// Record is what a coordinator has decided, in memory that outlives it. The zero
// Record is none.
type Record struct {
	Seq   uint64
	Epoch uint64 // of the coordinator's view when the operation began
	Op    Op
	All   bool
	To    cores.Set // without the coordinator
	Apply bool      // one phase: whoever is in To and has not applied Op must
}

// State is what operations change: a replica of what all cores hold alike, and what
// this core holds for itself. It is deterministic, waits for nothing and starts no
// operation from within. While this core joins and has no replica yet, it is not asked
// about operations on that; the rest is in use from the start.
type State interface {
	// Prepare reports whether op may take effect, and if so keeps whatever is in
	// conflict with it from being prepared until Commit or Abort. What it allows it must
	// allow later too, after deaths and after operations that are not in conflict: a core
	// that joins asks its state later than the others did theirs.
	Prepare(op Op) bool
	// Commit makes op take effect. prepared says whether Prepare was asked: it was
	// not where this core got its state from another one in between.
	Commit(op Op, prepared bool)
	// Late reports whether op may take effect a little after others were told that it does,
	// before anything else happens at its core: at its coordinator (own) after the decision
	// was sent, which is well where nothing that op takes from that core do others get by
	// it; at another core after that has answered, which is well where op changes nothing
	// but the state.
	Late(op Op, own bool) bool
	// Abort undoes Prepare.
	Abort(op Op)
	// Apply makes op, of one phase, take effect. Such operations commute.
	Apply(op Op)
	// Gone says that a core died. What it had decided has taken effect, nothing else
	// of it will. On the replica that must have the same effect everywhere, and keep
	// everything that is in conflict with it from being prepared until all have seen it:
	// releasing what the core held does.
	Gone(core int)
	// Save appends the replica to b; what is prepared is no part of it.
	Save(b []byte) []byte
	// Load replaces the initial replica by a saved one.
	Load(b []byte) error
}
