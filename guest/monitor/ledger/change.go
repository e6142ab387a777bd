package ledger

import "barreleye/guest/monitor/caps"

// Event is what happened.
type Event uint8

// Events.
const (
	Entered  Event = 1 + iota // Core has entered
	Departed                  // Core has died
	Gained                    // this core holds Entry with Rights, which From gave it: itself where it made the entry
	Lost                      // this core holds Entry no more, as From wanted, itself or who revoked it: neither it nor what was cut from it here
	Revoked                   // this core has revoked Extent of Entry: what was cut from that here goes
	Freed                     // Extent may be free where it was cut from, the area or what this core holds, but for what was cut from it; or nobody has the endpoint any more
	Recalled                  // Core asks all to give back what they do not use, under Tag
	Yielded                   // Core has done so, as this one had asked under Tag
)

// Change is one event, in the order in which this core's replica saw them. A core applies
// all changes of a step to its own capabilities, and to its page tables, before it sends
// what the step said: who hears "done" may rely on it. Only what takes effect late at its
// coordinator (Late) the others hear of before.
type Change struct {
	Event  Event
	Core   int
	Entry  ID
	Extent caps.Extent
	Rights caps.Rights
	From   int
	Tag    uint64 // of Send, Share, Move, Recall and Yield
}

// Changed reports whether Changes has something to return.
func (l *Ledger) Changed() bool { return len(l.changes) > 0 }

// Changes returns what happened since it was called last. The list is good until an operation
// takes effect, or a core dies.
func (l *Ledger) Changes() []Change {
	list := l.changes
	l.changes = l.changes[:0]
	return list
}

func (l *Ledger) tell(c Change) { l.changes = append(l.changes, c) }
