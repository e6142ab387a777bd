package agreement

import (
	"testing"

	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/routes"
)

// count runs one operation of two phases on n cores and returns how many messages its
// coordinator sends and gets, the most of any other core, and how many there are in all.
func count(t *testing.T, tree routes.Tree, n, coordinator int, op Op, state func(core int) State) (own, most, all int, outcome Outcome) {
	t.Helper()
	view := membership.View{Epoch: 1, Members: cores.First(n), Joining: membership.Nobody}
	machines, has := make([]*Machine, n), make([]int, n)
	for c := range machines {
		machines[c] = New(c, state(c), view, tree)
	}
	type sent struct {
		from, to int
		Message
	}
	var queue []sent
	do := func(core int, list []Action) {
		for _, a := range list {
			switch a.Kind {
			case ActSend:
				queue = append(queue, sent{core, a.To, *a.Message})
				has[core]++
				has[a.To]++
				all++
			case ActResult:
				outcome = a.Outcome
			}
		}
		machines[core].Finish()
	}
	do(coordinator, machines[coordinator].Step(&Event{Kind: EventStart, Op: op, All: true, TwoPhases: true}))
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		do(s.to, machines[s.to].Step(&Event{Kind: EventMessage, From: s.from, Message: s.Message}))
	}
	for c, n := range has {
		if c != coordinator {
			most = max(most, n)
		}
		if own, others := machines[c].Under(); own+others != 0 {
			t.Errorf("core %d: %d and %d operations are under way", c, own, others)
		}
		if len(machines[c].combined) != 0 {
			t.Errorf("core %d still waits to combine %d answers", c, len(machines[c].combined))
		}
	}
	return has[coordinator], most, all, outcome
}

// TestMessages: over a tree there are no more messages than without one, and no core
// handles more than four with each neighbour, be it the coordinator or not.
func TestMessages(t *testing.T) {
	agrees := func(int) State { return &accepts{} }
	for _, n := range []int{2, 3, 4, 8, 16, 64, 200, 1024} {
		tree := routes.Balanced(n)
		members := cores.First(n)
		for _, coordinator := range []int{0, 1, n - 1} {
			wide := 0
			for c := range n {
				table := tree.Table(c, &members)
				around := table.Neighbours()
				wide = max(wide, around.Len())
			}
			table := tree.Table(coordinator, &members)
			around := table.Neighbours()
			own, most, all, outcome := count(t, tree, n, coordinator, "", agrees)
			if outcome != Committed || all != 4*(n-1) || own != 4*around.Len() || most > 4*wide {
				t.Errorf("%d cores, tree, core %d: outcome %d, %d messages, %d of it, up to %d of others", n, coordinator, outcome, all, own, most)
			}
			own, most, all, outcome = count(t, routes.Tree{}, n, coordinator, "", agrees)
			if outcome != Committed || all != 4*(n-1) || own != all || n > 1 && most != 4 {
				t.Errorf("%d cores, direct, core %d: outcome %d, %d messages, %d of it, up to %d of others", n, coordinator, outcome, all, own, most)
			}
		}
	}
}

// refuses is a state that allows nothing.
type refuses struct{ accepts }

func (*refuses) Prepare(Op) bool { return false }

// TestRefusalOverTree: one that refuses, far away, is enough, and nothing is left of it.
func TestRefusalOverTree(t *testing.T) {
	for no := range 13 {
		_, _, _, outcome := count(t, routes.Balanced(13), 13, 12, "", func(c int) State {
			if c == no {
				return &refuses{}
			}
			return &accepts{}
		})
		if want := Refused; outcome != want {
			t.Errorf("core %d refuses: outcome %d", no, outcome)
		}
	}
}

// TestHeld: what was sent in a view to come waits for it, and not without bound; what is
// of an earlier view, of no member, or comes back to its coordinator, is nothing.
func TestHeld(t *testing.T) {
	view := membership.View{Epoch: 5, Members: cores.First(3), Joining: membership.Nobody}
	s := &accepts{}
	m := New(0, s, view, routes.Tree{})
	say := func(from int, msg Message) []Action {
		return m.Step(&Event{Kind: EventMessage, From: from, Message: msg})
	}
	for name, list := range map[string][]Action{
		"later":       say(1, Message{Kind: KindApply, Seq: 1, Core: 1, Epoch: 6}),
		"earlier":     say(1, Message{Kind: KindApply, Seq: 2, Core: 1, Epoch: 4}),
		"no member":   say(7, Message{Kind: KindApply, Seq: 3, Core: 1, Epoch: 5}),
		"of none":     say(1, Message{Kind: KindApply, Seq: 4, Core: 7, Epoch: 5}),
		"of this one": say(1, Message{Kind: KindApply, Seq: 5, Core: 0, Epoch: 5}),
	} {
		if len(list) != 0 {
			t.Errorf("%s: %+v", name, list)
		}
	}
	for range mostHeld + 10 {
		say(2, Message{Kind: KindApply, Seq: 9, Core: 2, Epoch: 7})
	}
	if len(m.held) != mostHeld {
		t.Errorf("%d messages are held", len(m.held))
	}
	view.Epoch = 6
	list := m.Step(&Event{Kind: EventView, View: view})
	if len(list) != 2 || list[1].Message.Kind != KindDone || list[1].To != 1 {
		t.Errorf("%+v", list)
	}
}
