// Package fanout sends one message to several cores and folds their answers
// into one, in three forms with one API, so that they can be compared:
//
//   - a broadcast: one line that all members read (urpc.Broadcaster);
//   - a unicast set: a message per member, over the channel to it;
//   - a multicast: over any given tree; inner members pass the message on, and
//     fold their children's answers and their own into one.
//
// The asking end is a Group, the other ends are Members, which Serve. Operations
// are numbered; up to Window of them are in flight. A core that dies ends no
// operation but is named by it (LostError), and takes no part in later ones; in
// a tree its children are taken over by the next living core above it.
//
// Limits: MaxPayload bytes per message and answer; a group uses the channels
// between its cores alone; one goroutine at a time per Group and Member. A
// living core that does not answer holds its group up until the caller's context
// ends: who is dead is for the VMM to decide.
//
// The tree's protocol is the pure state machine Machine. Format, failures and
// invariants are in docs/reference/fanout.md.
package fanout
