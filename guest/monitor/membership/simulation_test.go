package membership_test

import (
	"fmt"
	"slices"
	"testing"

	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/seeds"
)

// machine is a VMM with its keeper, and what it must not get wrong: who lives, and what each
// core has settled in its life.
type machine struct {
	simulate.Trial
	k       *membership.Keeper
	alive   []bool // fenced cores are not
	settled []uint64

	mutation mutation
}

// mutation is a way to use the keeper wrongly.
type mutation uint8

const (
	correct   mutation = iota
	suspicion          // a core that lives is said to have died
	hearsay            // what one core settles is taken for what another did
)

func newMachine(s simulate.Trial, wrong mutation) *machine {
	members := 1 + s.Choices.N(s.Cores)
	m := &machine{Trial: s, k: membership.NewKeeper(members), alive: make([]bool, s.Cores), settled: make([]uint64, s.Cores), mutation: wrong}
	for i := range members {
		m.alive[i] = true
	}
	return m
}

// note says what happens, and the view that follows.
func (m *machine) note(format string, args ...any) {
	if m.Log == nil {
		return
	}
	v := m.k.View()
	joins := ""
	if v.Joining != membership.Nobody {
		joins = fmt.Sprintf(", core %d joins since %d, sponsor %d", v.Joining, v.JoinEpoch, v.Sponsor())
	}
	m.Note("%-40s view %d: %v%s", fmt.Sprintf(format, args...), v.Epoch, slices.Collect(v.Members.All()), joins)
}

// step lets one thing happen and reports what is wrong about the view that follows.
func (m *machine) step() error {
	c := m.Choices
	before, core := m.k.View(), c.N(len(m.alive))
	joins := m.k.Joins()
	var changed bool
	switch c.N(4) {
	case 2:
		changed = m.k.Died(core)
		m.alive[core] = m.mutation == suspicion && m.alive[core]
		m.note("core %d dies", core)
	case 3:
		changed = m.k.Returned(core)
		m.alive[core] = true
		m.note("core %d wants to join", core)
	default:
		epoch := before.Epoch - uint64(c.N(2)) // it may be late
		of := core
		if m.mutation == hearsay {
			of = c.N(len(m.alive))
		}
		changed = m.k.Settled(of, epoch)
		if before.Members.Has(core) {
			m.settled[core] = max(m.settled[core], epoch)
		}
		m.note("core %d settles %d", core, epoch)
	}
	v := m.k.View()
	joined, left := v.Members.Without(&before.Members), before.Members.Without(&v.Members)
	switch {
	case changed != (v != before):
		return fmt.Errorf("changed %v: %+v, %+v", changed, before, v)
	case changed && v.Epoch <= before.Epoch || v.Epoch > before.Epoch+2:
		return fmt.Errorf("epoch %d after %d", v.Epoch, before.Epoch)
	case joined.Len() > 1 || v.Joining != membership.Nobody && !v.Members.Has(v.Joining):
		return fmt.Errorf("%+v after %+v", v, before)
	case left.Len() > 1 || left.Len() == 1 && m.alive[left.Lowest()]:
		return fmt.Errorf("%v left, alive %v", slices.Collect(left.All()), m.alive)
	case joined.Len() == 1 && !joins && joined.Lowest() != core:
		return fmt.Errorf("core %d joins, which did not wait", joined.Lowest())
	}
	if joined.Len() == 1 {
		for member := range before.Members.All() {
			if m.settled[member] != before.Epoch && v.Members.Has(member) {
				return fmt.Errorf("core %d joined before core %d settled", joined.Lowest(), member)
			}
		}
		m.settled[joined.Lowest()] = 0
		p := m.k.Published()
		if first := p.First(joined.Lowest()); first != v {
			return fmt.Errorf("core %d begins in %+v, was admitted in %+v", joined.Lowest(), first, v)
		}
	}
	for member := range v.Members.All() {
		if !m.alive[member] {
			return fmt.Errorf("core %d is a member and dead", member)
		}
	}
	// whoever is a holder either was there at the start or has settled a view
	holders := v.Holders()
	if before.Joining != membership.Nobody && holders.Has(before.Joining) && m.settled[before.Joining] < before.JoinEpoch {
		return fmt.Errorf("core %d holds the state, settled %d, joined in %d", before.Joining, m.settled[before.Joining], before.JoinEpoch)
	}
	return nil
}

// calm has everybody settle what they see: then all who live are members.
func (m *machine) calm() error {
	for range 3*len(m.alive) + 3 {
		v := m.k.View()
		for member := range v.Members.All() {
			if m.k.Settled(member, m.k.View().Epoch) {
				break
			}
		}
	}
	m.note("all have settled")
	v, want := m.k.View(), cores.Set{}
	for i, alive := range m.alive {
		if alive {
			want.Add(i)
		}
	}
	waits := m.k.Waits()
	if v.Members != want || m.k.Joins() || waits.Len() != 0 {
		return fmt.Errorf("%v are members of those who live: %v, not settled %v", slices.Collect(v.Members.All()), slices.Collect(want.All()), slices.Collect(waits.All()))
	}
	return nil
}

func run(s simulate.Trial, steps int, wrong mutation) error {
	m := newMachine(s, wrong)
	for range steps {
		if err := m.step(); err != nil {
			return err
		}
	}
	return m.calm()
}

func ofSeed(wrong mutation) seeds.Run {
	return func(s simulate.Trial) error {
		s.Size(1, 8, 100)
		return run(s, 100, wrong)
	}
}

// TestSimulation: whatever happens, epochs grow, only the dead leave, one core joins at a
// time, and only into a view that all others had settled; and who lives joins in the end.
func TestSimulation(t *testing.T) { seeds.Test(t, 10_000, ofSeed(correct)) }

func TestMutations(t *testing.T) {
	seeds.Mutations(t, 1000, map[string]mutation{"suspicion": suspicion, "hearsay": hearsay}, ofSeed)
}

// TestLargest runs 1,024 cores.
func TestLargest(t *testing.T) {
	if err := run(simulate.Trial{Cores: cores.Max, Choices: simulate.Seeded(1, false)}, 20_000, correct); err != nil {
		t.Fatal(err)
	}
}

// TestTranscript shows which views follow in a short run.
func TestTranscript(t *testing.T) {
	seeds.Transcripts(t, map[string]simulate.Trial{"views": {Cores: 3, Choices: simulate.Seeded(5, false)}},
		func(s simulate.Trial) error { return run(s, 40, correct) })
}
