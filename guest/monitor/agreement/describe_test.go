package agreement

import (
	"fmt"

	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
)

// text is what is made only if somebody reads it.
type text func() string

func (t text) String() string { return t() }

func describe(v *membership.View) text {
	return func() string { return describeView(v) }
}

func describeView(v *membership.View) string {
	s := fmt.Sprint(v.Epoch, " of cores")
	for c := range v.Members.All() {
		s += fmt.Sprint(" ", c)
	}
	if v.Joining != membership.Nobody {
		s += fmt.Sprintf(", %d joins since %d", v.Joining, v.JoinEpoch)
	}
	return s
}

var kinds = [...]string{KindPrepare: "prepare", KindDecide: "decide", KindApply: "apply", KindVote: "vote", KindDone: "done", KindFlushed: "flushed", KindHere: "here", KindAllHere: "all here", KindCall: "call"}

func (m *Message) describe() string {
	s := fmt.Sprintf("%s %d", kinds[m.Kind], m.Seq)
	if m.Set != (cores.Set{}) {
		who := []any{" of core ", m.Core, " for"}
		if !m.question() {
			who = []any{" to core ", m.Core, " from"}
		}
		s += fmt.Sprint(who...)
		for c := range m.Set.All() {
			s += fmt.Sprint(" ", c)
		}
	}
	if m.Yes {
		s += " yes"
	}
	if m.Op != "" {
		s += fmt.Sprint(" ", wordsOf(m.Op))
	}
	return s
}

var outcomes = [...]string{Committed: "committed", Refused: "refused", Busy: "busy"}

func (a *Action) describe() string {
	switch a.Kind {
	case ActSend:
		return fmt.Sprintf("to %d: %s", a.To, a.Message.describe())
	case ActRecord:
		if a.Record.Seq == 0 {
			return fmt.Sprintf("record %d: none", a.Slot)
		}
		return fmt.Sprintf("record %d: %d %v", a.Slot, a.Record.Seq, wordsOf(a.Record.Op))
	case ActResult:
		return fmt.Sprintf("operation %d is %s", a.Tag, outcomes[a.Outcome])
	case ActSnapshot:
		return fmt.Sprintf("to %d: snapshot", a.To)
	}
	switch a.Kind {
	case ActAllHere:
		return fmt.Sprintf("all are in view %d", a.Epoch)
	case ActCalled:
		return fmt.Sprintf("called by %d", a.To)
	}
	return fmt.Sprintf("settled %d", a.Epoch)
}
