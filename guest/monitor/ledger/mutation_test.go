package ledger

import (
	"testing"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/simulate/seeds"
)

// mutation is a way to run the ledger, or what follows it, wrongly.
type mutation uint8

const (
	correct         mutation = iota
	unlocked                 // Prepare looks at no operation that is under way
	revokeUnlocked           // not at revocations
	cutUnlocked              // not at others that cut the same
	holdingUnlocked          // not at who lets go
	ownersUnlocked           // not at two that hand over what they own
	strict                   // Prepare refuses to give to a core that has died
	giveToDead               // Commit gives to a core that has died
	goneKeeps                // the dead keep what they held
	rightsNow                // Retype gives the rights of the moment, not those that it says
	ownerNow                 // Move looks at the owner of the moment
	idsAgain                 // an entry's number is used again in the next life
	endedEarly               // a revocation counts as over when it has taken effect here
	followLate               // the core's own capabilities follow after "done" was sent
	moveLate                 // a core that hands over lets go after the others were told
	lossUnseen               // they do not follow what others revoke
	cutShared                // a core cuts what others hold too for itself
	cutChildren              // it looks at nothing that is shared of what it cuts
)

// state is the ledger with a mutation of it.
type state struct {
	*Ledger
	mutation mutation
}

func (m mutation) of(l *Ledger) agreement.State { return &state{l, m} }

func (s *state) Prepare(op agreement.Op) bool {
	o, ok := decode(op)
	if !ok {
		return s.Ledger.Prepare(op)
	}
	if to := s.lives.of(o.to); s.mutation == strict && o.gives() && (!to.alive || to.number != o.toLife) {
		return false
	}
	var hidden, seen []operation
	for _, p := range s.prepared {
		hide := false
		switch s.mutation {
		case unlocked:
			hide = true
		case revokeUnlocked:
			hide = p.kind == opRevoke || o.kind == opRevoke
		case cutUnlocked:
			hide = p.makes() && o.makes()
		case holdingUnlocked:
			hide = p.lets() || o.lets()
		case ownersUnlocked:
			hide = p.owns && o.owns
		}
		if hide {
			hidden = append(hidden, p)
		} else {
			seen = append(seen, p)
		}
	}
	s.prepared = seen
	may := s.Ledger.Prepare(op)
	s.prepared = append(hidden, s.prepared...)
	return may
}

func (s *state) Commit(op agreement.Op, prepared bool) {
	o, _ := decode(op)
	e := s.at(o.entry)
	switch {
	case s.mutation == giveToDead && o.gives():
		was := s.lives.of(o.to)
		s.lives.set(o.to, life{o.toLife, true})
		defer func() { s.lives.set(o.to, was) }()
	case s.mutation == rightsNow && o.kind == opRetype && e != nil:
		defer func() {
			for i := range o.count {
				if id, _ := o.made(i); s.entries[id] != nil {
					r, _ := e.rights(o.core)
					at, _ := s.entries[id].holder(o.core)
					s.entries[id].holders[at].Rights = r
				}
			}
		}()
	case s.mutation == ownerNow && o.kind == opMove && e != nil:
		o.owns = e.owner() == o.core
		s.release(op)
		op, prepared = o.encode(), false
	}
	s.Ledger.Commit(op, prepared)
	if s.mutation == endedEarly {
		s.Ended(op)
	}
}

func (s *state) Late(op agreement.Op, own bool) bool {
	return own && s.mutation == moveLate || s.Ledger.Late(op, own)
}

func (s *state) Gone(core int) {
	if s.mutation == goneKeeps {
		s.lives.set(core, life{s.lives.of(core).number, false})
		return
	}
	s.Ledger.Gone(core)
}

func (s *state) Load(b []byte) error {
	err := s.Ledger.Load(b)
	if s.mutation == idsAgain {
		for c, n := range s.lives {
			s.lives.set(c, life{max(n.number, 1) - 1, n.alive})
		}
	}
	return err
}

// TestMutations: the simulation finds out every one of them, so it can fail.
func TestMutations(t *testing.T) {
	seeds.Mutations(t, 50_000, map[string]mutation{
		"unlocked": unlocked, "revoke unlocked": revokeUnlocked, "cut unlocked": cutUnlocked,
		"holding unlocked": holdingUnlocked, "owners unlocked": ownersUnlocked, "strict": strict,
		"give to dead": giveToDead, "gone keeps": goneKeeps, "rights now": rightsNow, "owner now": ownerNow,
		"ids again": idsAgain, "ended early": endedEarly, "follow late": followLate, "move late": moveLate, "loss unseen": lossUnseen,
		"cut shared": cutShared, "cut children": cutChildren,
	}, run)
}
