package bind

import (
	"maps"
	"slices"
	"testing"

	"barreleye/devices/region"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/seeds"
	"barreleye/urpc"
)

// services that simulated programs know. Nobody ever listens for the last one.
var services = []string{"a", "b", "bulk", "none"}

func profileOf(service string) int {
	if service == "bulk" {
		return region.ProfileBulk
	}
	return region.ProfileLatency
}

// end is one end of a channel that a simulated program uses.
type end struct {
	peer  int
	entry region.Entry
	over  bool // the peer's life has ended: its memory is read no more
}

// node is one simulated core.
type node struct {
	machine *Machine
	life    int
	met     []int       // by peer: the life that the machine knows
	left    int         // things still to begin
	dials   map[ID]bool // not ended; true once given up
	ends    map[ID]end
	listens map[string]bool

	// memory, which outlives the core
	directory map[[2]int]region.Entry // by peer and slot
	zeroed    map[[2]int]bool         // dirty pages, by peer and page: true once they were zeroed again
	closed    map[[2]int]region.Entry // sides that this core has closed itself, by peer and page
}

// trial is one run: programs that listen, dial, give up and close at random.
type trial struct {
	world    *simulate.World[urpc.Message]
	geometry region.Geometry
	nodes    []node
	buried   map[[2]int]map[[2]int]bool // by dead core and peer: page and epoch of closed sides
	mutation mutation
	opened   int // dials that ended well
}

func (t *trial) Boot(core int, view membership.View) {
	life := t.nodes[core].life + 1
	t.world.Note("core %d begins life %d", core, life)
	t.nodes[core] = node{
		life: life, met: make([]int, len(t.nodes)),
		machine: New(t.geometry), left: 25, dials: map[ID]bool{}, ends: map[ID]end{}, listens: map[string]bool{},
		directory: map[[2]int]region.Entry{}, zeroed: map[[2]int]bool{}, closed: map[[2]int]region.Entry{},
	}
	for peer := range t.nodes {
		delete(t.buried, [2]int{core, peer})
		switch {
		case peer == core:
		case view.Members.Has(peer):
			t.meet(core, peer)
		default:
			t.perform(core, t.nodes[core].machine.Gone(peer))
		}
	}
	t.world.Settled(core, view.Epoch)
}

// meet has a core know the life of a peer that it can see.
func (t *trial) meet(core, peer int) {
	n, life := &t.nodes[core], max(t.nodes[peer].life, 1) // the first lives begin together
	if n.met[peer] == life {
		return
	}
	n.met[peer] = life
	if t.mutation == beginNot && life > 1 {
		return
	}
	n.machine.Begin(peer, uint64(life), uint64(n.life))
}

func (t *trial) Deliver(core, from int, l urpc.Message) {
	t.meet(core, from)
	t.delivered(core, from, &l)
	actions, err := t.nodes[core].machine.Receive(from, &l)
	if err != nil {
		t.world.Fail("core %d: core %d is said to be hostile: %v", core, from, err)
	}
	t.perform(core, actions)
}

func (t *trial) View(core int, view membership.View) {
	for peer := range t.nodes {
		if t.mutation != goneNot && !view.Members.Has(peer) && t.nodes[core].machine.peers[peer].gone == nil {
			t.world.Note("core %d: core %d is gone", core, peer)
			t.perform(core, t.nodes[core].machine.Gone(peer))
			for id, e := range t.nodes[core].ends {
				if e.peer == peer {
					e.over = true
					t.nodes[core].ends[id] = e
				}
			}
		}
		if peer != core && view.Members.Has(peer) {
			t.meet(core, peer)
		}
	}
	t.world.Settled(core, view.Epoch)
}

// Died is the VMM's burial: it finds what the dead core shared in its directory and in
// those of the living.
func (t *trial) Died(dead int) {
	t.world.Note("core %d dies", dead)
	bury := func(peer, page int, e region.Entry) {
		b := t.buried[[2]int{dead, peer}]
		if b == nil {
			b = map[[2]int]bool{}
			t.buried[[2]int{dead, peer}] = b
		}
		b[[2]int{page, int(e.Epoch)}] = true
	}
	for at, e := range t.nodes[dead].directory {
		bury(at[0], e.Page, e)
	}
	for peer := range t.nodes {
		for at, e := range t.nodes[peer].directory {
			if at[0] == dead && e.Open {
				bury(peer, e.PeerPage, e)
			}
		}
	}
}

// Work is the programs.
func (t *trial) Work(core int) bool {
	n, choose := &t.nodes[core], t.world.Choices.N
	if n.left == 0 {
		return t.stop(core)
	}
	n.left--
	switch choose(6) {
	case 0, 1:
		peer := choose(len(t.nodes))
		if peer == core {
			return true
		}
		r := Request{
			Service: services[choose(len(services))], Lines: 16 << choose(4), PeerLines: 16 << (choose(4) * 2), Wait: choose(2) == 1,
		}
		if r.Profile = profileOf(r.Service); choose(16) == 1 {
			r.Profile = 1 - r.Profile
		}
		id, actions, err := n.machine.Dial(peer, r)
		t.world.Note("core %d dials core %d for %q: %v", core, peer, r.Service, err)
		if err == nil {
			n.dials[id] = false
		}
		t.perform(core, actions)
	case 2:
		if id, ok := pick(n.dials, choose); ok && !n.dials[id] {
			n.dials[id] = true
			t.world.Note("core %d gives up channel %d", core, id)
			t.perform(core, n.machine.GiveUp(id))
		}
	case 3:
		if id, ok := pick(n.ends, choose); ok {
			t.close(core, id)
		}
	default:
		s := services[choose(len(services)-1)]
		if n.listens[s] && choose(4) != 1 {
			return true
		}
		if n.listens[s] {
			delete(n.listens, s)
			n.machine.Unlisten(s)
			return true
		}
		n.listens[s] = true
		t.world.Note("core %d listens for %q", core, s)
		actions, err := n.machine.Listen(s, profileOf(s))
		if err != nil {
			t.world.Fail("core %d: listen: %v", core, err)
		}
		t.perform(core, actions)
	}
	return true
}

// stop ends one of the things that a program has begun.
func (t *trial) stop(core int) bool {
	n := &t.nodes[core]
	if !n.machine.stopping && t.world.Choices.One(3) {
		t.world.Note("core %d is about to end", core)
		t.perform(core, n.machine.Stop())
		return true
	}
	for s := range n.listens {
		n.machine.Unlisten(s)
	}
	clear(n.listens)
	for _, id := range slices.Sorted(maps.Keys(n.dials)) {
		if !n.dials[id] {
			n.dials[id] = true
			t.world.Note("core %d gives up channel %d", core, id)
			t.perform(core, n.machine.GiveUp(id))
			return true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(n.ends)) {
		t.close(core, id)
		return true
	}
	return false
}

func (t *trial) close(core int, id ID) {
	n := &t.nodes[core]
	e := n.ends[id]
	n.closed[[2]int{e.peer, e.entry.Page}] = e.entry
	delete(n.ends, id)
	t.world.Note("core %d closes channel %d", core, id)
	if c := n.machine.channels[id]; t.mutation == reuseEarly && c != nil {
		c.told = true
	}
	t.perform(core, n.machine.Close(id))
}

func pick[V any](m map[ID]V, choose func(int) int) (ID, bool) {
	if len(m) == 0 {
		return 0, false
	}
	return slices.Sorted(maps.Keys(m))[choose(len(m))], true
}

// perform does what the machine says; the core may die after each of it.
func (t *trial) perform(core int, actions []Action) {
	n := &t.nodes[core]
	if t.mutation == publishLate {
		slices.SortStableFunc(actions, func(a, b Action) int { return bool2int(a.Kind == ActPublish) - bool2int(b.Kind == ActPublish) })
	}
	for _, a := range actions {
		if t.world.Dies(core) {
			return
		}
		t.did(core, &a)
		switch a.Kind {
		case ActZero:
			t.untouched(core, a.Peer, a.Page, a.Pages)
			for i := range a.Pages {
				n.zeroed[[2]int{a.Peer, a.Page + i}] = true
			}
		case ActPublish:
			t.publish(core, &a)
		case ActClear:
			delete(n.directory, [2]int{a.Peer, a.Slot})
		case ActHangUp:
			n.closed[[2]int{a.Peer, a.Entry.Page}] = a.Entry
		case ActSend:
			t.world.Send(core, a.Peer, a.Line)
		case ActDialed:
			givenUp, waits := n.dials[a.ID]
			if !waits {
				t.world.Fail("core %d: a dial ends that nobody waits for: %v", core, a.Err)
			}
			delete(n.dials, a.ID)
			if a.Err == nil && !givenUp {
				t.opened++
				t.open(core, a.ID)
			}
		case ActOffered:
			t.open(core, a.ID)
		}
	}
	for id, givenUp := range n.dials {
		if givenUp {
			delete(n.dials, id)
		}
	}
}

// publish takes a directory's entry: its side must be zero the first time, and
// nobody's.
func (t *trial) publish(core int, a *Action) {
	n := &t.nodes[core]
	at := [2]int{a.Peer, a.Slot}
	old, there := n.directory[at]
	if !t.geometry.Fits(a.Entry.Page, a.Entry.Lines) || a.Entry.Open && !t.geometry.Fits(a.Entry.PeerPage, a.Entry.PeerLines) {
		t.world.Fail("core %d publishes %+v", core, a.Entry)
	}
	if there && (old.Open || old.Page != a.Entry.Page) {
		t.world.Fail("core %d: place %v is taken by %+v, not by %+v", core, at, old, a.Entry)
	}
	if n.directory[at] = a.Entry; there {
		return
	}
	delete(n.closed, [2]int{a.Peer, a.Entry.Page})
	pages := region.SidePages(a.Entry.Lines)
	t.untouched(core, a.Peer, a.Entry.Page, pages)
	for i := range pages {
		p := [2]int{a.Peer, a.Entry.Page + i}
		if zero, dirty := n.zeroed[p]; dirty && !zero {
			t.world.Fail("core %d: page %d towards core %d is used and not zero", core, p[1], p[0])
		}
		n.zeroed[p] = false
	}
}

// untouched wants no end of either core on these pages of core.
func (t *trial) untouched(core, peer, page, pages int) {
	overlap := func(at, lines int) bool { return at < page+pages && page < at+region.SidePages(lines) }
	for _, e := range t.nodes[core].ends {
		if e.peer == peer && overlap(e.entry.Page, e.entry.Lines) {
			t.world.Fail("core %d uses pages %d to %d towards core %d again while its own end %+v is open", core, page, page+pages, peer, e.entry)
		}
	}
	for _, e := range t.nodes[peer].ends {
		if t.world.Alive(peer) && e.peer == core && !e.over && overlap(e.entry.PeerPage, e.entry.PeerLines) {
			t.world.Fail("core %d uses pages %d to %d again while core %d reads %+v", core, page, page+pages, peer, e.entry)
		}
	}
}

// open makes an end. It must be the counterpart of the other's, where there is one.
func (t *trial) open(core int, id ID) {
	peer, _, e := t.nodes[core].machine.Channel(id)
	t.nodes[core].ends[id] = end{peer: peer, entry: e}
	for _, o := range t.nodes[peer].ends {
		if o.peer != core || o.entry.Page != e.PeerPage || !t.world.Alive(peer) {
			continue
		}
		if o.entry.PeerPage != e.Page || o.entry.Lines != e.PeerLines || o.entry.PeerLines != e.Lines || o.entry.Epoch != e.Epoch || o.entry.Profile != e.Profile {
			t.world.Fail("cores %d and %d see channels %+v and %+v", core, peer, e, o.entry)
		}
	}
	// A dead peer's side must have been closed, or it would be waited for in vain.
	b := t.buried[[2]int{peer, core}]
	if own, ok := t.nodes[peer].closed[[2]int{core, e.PeerPage}]; !t.world.Alive(peer) && !b[[2]int{e.PeerPage, int(e.Epoch)}] && !(ok && own.Epoch == e.Epoch) {
		t.world.Fail("core %d opens %+v to core %d, which is dead, and nobody has closed it", core, e, peer)
	}
}

// End checks what must hold once nothing moves.
func (t *trial) End() {
	for i := range t.nodes {
		n := &t.nodes[i]
		if !t.world.Alive(i) {
			continue
		}
		if len(n.ends) != 0 || len(n.dials) != 0 || len(n.machine.channels) != 0 || len(n.machine.waiting) != 0 || len(n.directory) != 0 {
			t.world.Fail("core %d: left over: ends %v, dials %v, %d channels, waiting %v, directory %v",
				i, n.ends, n.dials, len(n.machine.channels), n.machine.waiting, n.directory)
		}
		for peer := range n.machine.peers {
			p := &n.machine.peers[peer]
			if p.pool != nil && (len(p.pool.free) != 1 || p.pool.free[0] != run{0, t.geometry.PoolPages}) {
				t.world.Fail("core %d: of its pool towards core %d is free: %v", i, peer, p.pool.free)
			}
		}
	}
}

// newTrial makes a simulation.
func newTrial(s simulate.Trial, m mutation) *trial {
	t := &trial{
		geometry: region.Geometry{Cores: s.Cores, RingLines: 64, PoolPages: 24}, nodes: make([]node, s.Cores),
		buried: map[[2]int]map[[2]int]bool{}, mutation: m,
	}
	t.world = simulate.New(s, t)
	return t
}

// ofSeed makes a simulation of a size that the seed makes.
func ofSeed(s simulate.Trial, m mutation) *trial {
	s.Size(2, 5, 50)
	s.Deaths, s.Returns = int(s.Seed/4%3), s.Seed/12%2 == 0
	return newTrial(s, m)
}

func TestSimulation(t *testing.T) {
	opened, runs := 0, 0
	seeds.Test(t, 10_000, func(s simulate.Trial) error {
		r := ofSeed(s, correct)
		err := r.world.Run()
		opened, runs = opened+r.opened, runs+1
		return err
	})
	if opened < runs/2 && runs > 1 {
		t.Errorf("only %d channels in %d runs", opened, runs)
	}
}

// TestLargest runs 1,024 cores.
func TestLargest(t *testing.T) {
	if testing.Short() {
		t.Skip("a second's work")
	}
	r := newTrial(simulate.Trial{Cores: cores.Max, Deaths: 30, Returns: true, Choices: simulate.Seeded(1, false)}, correct)
	if err := r.world.Run(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d channels", r.opened)
}

// mutation is a way to run the protocol wrongly.
type mutation uint8

const (
	correct     mutation = iota
	reuseEarly           // a side's pages are free as soon as this core has closed
	publishLate          // the directory is written after the peer was told
	beginNot             // a peer's next life is not told to the machine
	goneNot              // nor the end of one
)

func bool2int(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestMutations: the simulation finds out each of them, so it can fail.
func TestMutations(t *testing.T) {
	seeds.Mutations(t, 20_000, map[string]mutation{
		"reuse early": reuseEarly, "publish late": publishLate, "begin not": beginNot, "gone not": goneNot,
	}, func(m mutation) seeds.Run {
		return func(s simulate.Trial) error { return ofSeed(s, m).world.Run() }
	})
}
