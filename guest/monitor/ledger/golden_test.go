package ledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/routes"
	"barreleye/guest/monitor/simulate/transcript"
)

// stage is a few cores on which a test decides what happens when.
type stage struct {
	t       *testing.T
	log     strings.Builder
	view    membership.View
	ledgers []*Ledger
	machine []*agreement.Machine
	records [][agreement.Window]agreement.Record
	queues  [][][]message // by sender and receiver
	dead    cores.Set
	stops   int // a core dies once it has recorded something; -1: none
}

func newStage(t *testing.T, n int) *stage {
	s := &stage{t: t, stops: -1, view: membership.View{Epoch: 1, Members: cores.First(n), Joining: membership.Nobody}}
	s.queues = make([][][]message, n)
	s.records = make([][agreement.Window]agreement.Record, n)
	s.ledgers, s.machine = make([]*Ledger, n), make([]*agreement.Machine, n)
	for c := range n {
		s.queues[c] = make([][]message, n)
		s.boot(c)
	}
	for c := range n {
		s.begin(c)(s.ledgers[c].Enter())
		s.settle()
	}
	s.log.Reset()
	return s
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(&s.log, format+"\n", args...) }

func (s *stage) boot(core int) {
	s.ledgers[core] = New(core, ram(0, 16))
	s.machine[core] = agreement.New(core, s.ledgers[core], s.view, routes.Tree{})
	s.do(core, s.machine[core].Start())
}

// begin has a core begin an operation.
func (s *stage) begin(core int) func(agreement.Op, error) {
	return func(op agreement.Op, err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
		s.say("core %d begins: %s", core, Describe(op))
		s.do(core, s.machine[core].Step(&agreement.Event{Kind: agreement.EventStart, Op: op, All: true, TwoPhases: true}))
	}
}

var events = [...]string{Entered: "has entered", Departed: "has departed", Gained: "gained", Lost: "lost", Revoked: "revoked", Freed: "is free", Recalled: "asks", Yielded: "answers"}

func (s *stage) do(core int, list []agreement.Action) {
	s.changes(core)
	s.perform(core, list)
	if !s.dead.Has(core) && s.machine[core].Finish() {
		s.changes(core)
	}
}

// changes says what a core's ledger has seen.
func (s *stage) changes(core int) {
	for _, c := range s.ledgers[core].Changes() {
		switch c.Event {
		case Entered, Departed:
			s.say("  core %d: core %d %s", core, c.Core, events[c.Event])
		case Freed:
			s.say("  core %d: %v %s", core, c.Extent, events[c.Event])
		default:
			s.say("  core %d has %s %v %v", core, events[c.Event], c.Entry, c.Extent)
		}
	}
}

func (s *stage) perform(core int, list []agreement.Action) {
	for _, a := range list {
		if s.dead.Has(core) {
			return
		}
		switch a.Kind {
		case agreement.ActSend:
			s.queues[core][a.To] = append(s.queues[core][a.To], message{m: *a.Message})
		case agreement.ActSnapshot:
			s.say("  core %d sends its state to core %d", core, a.To)
			s.queues[core][a.To] = append(s.queues[core][a.To], message{snapshot: a.Snapshot})
		case agreement.ActRecord:
			if s.records[core][a.Slot] = *a.Record; a.Record.Seq != 0 {
				s.say("  core %d has decided", core)
				if s.stops == core {
					s.dies(core)
				}
			}
		case agreement.ActResult:
			s.say("  core %d: it is %s", core, [...]string{"?", "committed", "refused", "not begun", "too long"}[a.Outcome])
		case agreement.ActSettled:
			s.say("  core %d has settled view %d", core, a.Epoch)
		}
	}
}

func (s *stage) dies(core int) {
	s.say("core %d dies", core)
	s.dead.Add(core)
}

// deliver takes the next message of a channel.
func (s *stage) deliver(from, to int) bool {
	q := s.queues[from][to]
	if len(q) == 0 || s.dead.Has(to) {
		return false
	}
	s.queues[from][to] = q[1:]
	e := agreement.Event{Kind: agreement.EventMessage, From: from, Message: q[0].m}
	if q[0].snapshot != nil {
		s.say("core %d gets the state of core %d", to, from)
		e = agreement.Event{Kind: agreement.EventSnapshot, From: from, Snapshot: *q[0].snapshot}
	} else {
		s.say("core %d gets %s of core %d", to, words(&q[0].m), from)
	}
	s.do(to, s.machine[to].Step(&e))
	return true
}

// settle delivers all.
func (s *stage) settle() {
	for moved := true; moved; {
		moved = false
		for from := range s.queues {
			for to := range s.queues {
				moved = s.deliver(from, to) || moved
			}
		}
	}
}

// publish shows the living cores a view.
func (s *stage) publish(change func(v *membership.View)) {
	s.view.Epoch++
	change(&s.view)
	s.say("view %d of cores %v", s.view.Epoch, slices.Collect(s.view.Members.All()))
	for c := range s.machine {
		if s.dead.Has(c) || !s.view.Members.Has(c) || s.view.JoinEpoch == s.view.Epoch && s.view.Joining == c {
			continue
		}
		for from := range s.queues {
			if !s.view.Members.Has(from) {
				s.queues[from][c] = nil
			}
		}
		s.see(c)
	}
}

func (s *stage) see(c int) {
	s.say("core %d sees view %d", c, s.view.Epoch)
	s.do(c, s.machine[c].Step(&agreement.Event{Kind: agreement.EventView, View: s.view,
		Records: func(dead int) [agreement.Window]agreement.Record { return s.records[dead] }}))
}

// fence is the VMM that has noticed a death.
func (s *stage) fence(core int) { s.publish(func(v *membership.View) { v.Members.Remove(core) }) }

// join lets a core return.
func (s *stage) join(core int) {
	s.dead.Remove(core)
	s.records[core] = [agreement.Window]agreement.Record{}
	for c := range s.queues {
		s.queues[core][c], s.queues[c][core] = nil, nil
	}
	s.publish(func(v *membership.View) { v.Members.Add(core); v.Joining, v.JoinEpoch = core, v.Epoch })
	s.say("core %d starts in view %d", core, s.view.Epoch)
	s.boot(core)
}

// end says what there is, and that all know the same.
func (s *stage) end() string {
	saved := ""
	for c, l := range s.ledgers {
		if s.dead.Has(c) {
			continue
		}
		if err := l.Check(); err != nil {
			s.t.Error(err)
		}
		if saved == "" {
			saved = string(l.Save(nil))
			for _, e := range l.Entries() {
				s.say("%v %v of core %d, held by %v", e.ID, e.Extent, e.Owner, e.Holders)
			}
			s.say("free: %v", l.Free())
		}
		if string(l.Save(nil)) != saved || len(l.prepared) > 0 {
			s.t.Errorf("core %d has\n%v\nprepared %v", c, l.Entries(), l.prepared)
		}
	}
	return s.log.String()
}

// shared has core 0 take memory and share a Frame of it with core 1, which sends it on.
func (s *stage) shared() (block, frame ID) {
	s.begin(0)(s.ledgers[0].Take(ram(0, 4)))
	s.settle()
	block = s.ledgers[0].Held(0)[0].ID
	part := ram(1, 1)
	part.Type = caps.Frame
	s.begin(0)(s.ledgers[0].Share(block, part, caps.All, 1, caps.All, 0))
	s.settle()
	frame = s.ledgers[1].Held(1)[0].ID
	s.begin(1)(s.ledgers[1].Send(frame, 2, caps.Read, 0))
	s.settle()
	return block, frame
}

func TestTranscripts(t *testing.T) {
	for name, play := range map[string]func(*stage){
		// Nobody dies.
		"revoke": func(s *stage) {
			block, _ := s.shared()
			s.begin(0)(s.ledgers[0].Revoke(block, ram(0, 4)))
			s.settle()
		},
		// The coordinator has recorded its decision and told nobody.
		"coordinator-dies": func(s *stage) {
			block, _ := s.shared()
			s.stops = 0
			s.begin(0)(s.ledgers[0].Revoke(block, ram(0, 4)))
			s.settle()
			s.fence(0)
			s.settle()
		},
		// The owner of what two others hold dies, and so does what it held alone.
		"holder-dies": func(s *stage) {
			_, frame := s.shared()
			s.begin(2)(s.ledgers[2].Drop(frame))
			s.dies(0)
			s.settle()
			s.fence(0)
			s.settle()
		},
		// What a core is given while it dies goes back.
		"receiver-dies": func(s *stage) {
			s.begin(0)(s.ledgers[0].Take(ram(0, 4)))
			s.settle()
			s.begin(0)(s.ledgers[0].Move(s.ledgers[0].Held(0)[0].ID, 2, caps.All, 0))
			s.deliver(0, 1)
			s.dies(2)
			s.fence(2)
			s.settle()
		},
		// A core joins between the two phases of a revocation, and while one begins.
		"join": func(s *stage) {
			block, frame := s.shared()
			s.dies(2)
			s.fence(2)
			s.settle()
			part := ram(1, 1)
			part.Type = caps.Frame
			s.begin(1)(s.ledgers[1].Revoke(frame, part))
			s.join(2)
			s.begin(0)(s.ledgers[0].Take(ram(8, 1)))
			s.settle()
			s.begin(2)(s.ledgers[2].Enter())
			s.settle()
			s.begin(0)(s.ledgers[0].Revoke(block, ram(0, 4)))
			s.settle()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, 3)
			play(s)
			transcript.Compare(t, name, s.end())
		})
	}
}
