package agreement

import "barreleye/guest/monitor/cores"

// Op is an operation, in the bytes of the state that it changes: at most MaxOp.
type Op string

// MaxOp is the largest size of an operation, in bytes: what a record has room for.
const MaxOp = 240

// Kind says what a message means.
type Kind uint16

// Messages. The first three are questions of a coordinator, the next two answer it.
const (
	KindPrepare Kind = 1 + iota // may Op take effect?
	KindDecide                  // it does (Yes) or does not
	KindApply                   // Op takes effect: there is only one phase
	KindVote                    // it may (Yes) or may not
	KindDone                    // what was decided, or applied, has taken effect here
	KindFlushed                 // to a sponsor: what I began before the join has ended. Seq is my view's epoch
	KindHere                    // to the neighbour above: all below me are in this view, and so am I
	KindAllHere                 // to those below: all members are
	KindCall                    // to any core: I have opened a channel to you
)

// Message is what machines send each other, over others where there is a tree.
type Message struct {
	Kind Kind
	Yes  bool
	All  bool   // KindPrepare and KindApply: it changes what all cores hold alike
	Seq  uint64 // of the coordinator's operation, from 1 on
	Op   Op     // KindPrepare and KindApply

	// Core is the coordinator, or the sponsor: questions come from it, the rest goes to it.
	Core int
	// Epoch is that of the sender's view. A message lives in one view: package routes.
	Epoch uint64
	// Set are the cores that a question is for, or those that give this answer. None: the
	// receiver, or the sender.
	Set cores.Set
}

// question reports whether it is one.
func (m *Message) question() bool { return m.Kind <= KindApply }

// Question is what tells the questions apart that a core asks another one.
type Question struct {
	Kind       Kind
	Seq, Epoch uint64
}

// Question returns that of a message which asks something.
func (m *Message) Question() Question { return Question{m.Kind, m.Seq, m.Epoch} }

// Answers reports whether a message answers a question for its sender alone: so that core has
// heard all that was said to it before.
func (m *Message) Answers(q Question) bool {
	return m.Seq == q.Seq && m.Kind == q.Kind.answer() && m.Epoch == q.Epoch && m.Set.Empty()
}

// answer is the kind of the answers to a question.
func (k Kind) answer() Kind {
	if k == KindPrepare {
		return KindVote
	}
	return KindDone
}
