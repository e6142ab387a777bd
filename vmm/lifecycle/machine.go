package lifecycle

import (
	"errors"
	"time"

	"barreleye/vmm/supervise"
)

// Errors of commands.
var (
	ErrAlive    = errors.New("it lives")
	ErrNotAlive = errors.New("it does not live")
	ErrNotRuns  = errors.New("it does not run")
	ErrParked   = errors.New("it is parked")
	ErrEnding   = errors.New("the run is ending")
)

// Machine follows the cores of one run.
type Machine struct {
	cores  []core
	tree   *supervise.Tree
	ending bool // no life begins any more
	todo   []Action
}

type core struct {
	state  State
	life   uint64 // the one that it has or had last
	main   bool   // that one reached main
	again  bool   // Stopping: another one follows
	held   bool   // Ended: somebody stopped it, so that its group does not start it
	cancel bool   // Building: what is built will be discarded

	owes  []uint64 // by peer: its life that was there when this core's ended, until it let go of that
	after []int    // cores of its group that have to end before the next life begins
}

// New returns the machine of a run with room for so many cores. tree says what happens
// after ends that nobody asked for.
func New(room int, tree *supervise.Tree) *Machine {
	m := &Machine{cores: make([]core, room), tree: tree}
	for i := range m.cores {
		m.cores[i].owes = make([]uint64, room)
	}
	return m
}

// State returns where a core is, Life which life it has or had last.
func (m *Machine) State(i int) State { return m.cores[i].state }
func (m *Machine) Life(i int) uint64 { return m.cores[i].life }

// Alive counts the cores that live or are about to.
func (m *Machine) Alive() (n int) {
	for i := range m.cores {
		if s := m.cores[i].state; s != Off && s != Ended {
			n++
		}
	}
	return n
}

// Living counts the cores that live.
func (m *Machine) Living() (n int) {
	for i := range m.cores {
		if m.cores[i].state.Lives() {
			n++
		}
	}
	return n
}

// Tree returns the supervision tree.
func (m *Machine) Tree() *supervise.Tree { return m.tree }

// Ending reports whether no life begins any more.
func (m *Machine) Ending() bool { return m.ending }

// Take returns what is to be done, in order, since it was last called.
func (m *Machine) Take() []Action {
	todo := m.todo
	m.todo = nil
	return todo
}

func (m *Machine) act(do Do, i int) {
	a := Action{Do: do, Core: i}
	switch do {
	case Build:
		a.Life = m.cores[i].life + 1
	case Start:
		a.Life = m.cores[i].life
	}
	m.todo = append(m.todo, a)
}

// build has the next life made ready.
func (m *Machine) build(i int) {
	c := &m.cores[i]
	c.state, c.again, c.held = Building, false, false
	m.act(Build, i)
}

// Built says that the next life of a core is ready, or cannot be made.
func (m *Machine) Built(i int, ok bool) {
	c := &m.cores[i]
	switch {
	case ok && !c.cancel:
		c.state = Waiting
		m.start(i)
		return
	case ok:
		m.act(Discard, i)
	}
	c.held = c.cancel
	c.cancel = false
	m.rest(i)
}

// rest puts a core where it has no life and gets none.
func (m *Machine) rest(i int) {
	c := &m.cores[i]
	if c.state = Ended; c.life == 0 {
		c.state = Off
	}
	c.after = nil
}

// start begins the next life if nothing is in its way.
func (m *Machine) start(i int) {
	c := &m.cores[i]
	if c.state != Waiting {
		return
	}
	if owing, ending := m.Awaits(i); len(owing)+len(ending) > 0 {
		return
	}
	c.state, c.main, c.after = Booting, false, nil
	c.life++
	m.act(Start, i)
}

// Settle asks how far the others have let go of the dead: settled returns the last life
// of core dead that core peer has nothing of any more.
func (m *Machine) Settle(settled func(peer, dead int) (life uint64)) {
	for i := range m.cores {
		c := &m.cores[i]
		for j, life := range c.owes {
			if life != 0 && settled(j, i) >= c.life {
				c.owes[j] = 0
			}
		}
		m.start(i)
	}
}

// Awaits returns what keeps a core's next life from beginning, once that is ready: the cores
// that hold something of its last life, and those of its group that have not ended.
func (m *Machine) Awaits(i int) (owing, ending []int) {
	c := &m.cores[i]
	if c.state != Waiting {
		return nil, nil
	}
	for j, life := range c.owes {
		if life != 0 {
			owing = append(owing, j)
		}
	}
	for _, j := range c.after {
		if m.cores[j].state == Stopping {
			ending = append(ending, j)
		}
	}
	return owing, ending
}

// Main says that a core's program has reached main.
func (m *Machine) Main(i int) {
	c := &m.cores[i]
	c.main = true
	if c.state == Booting {
		c.state = Running
	}
}

// Ended says that a core's life is over and the core fenced. failed says that it
// crashed, or its program exited with a code that is not 0.
func (m *Machine) Ended(i int, failed bool, now time.Time) {
	c := &m.cores[i]
	asked := c.state == Stopping
	again := asked && c.again && !m.ending
	for j := range m.cores {
		peer := &m.cores[j]
		peer.owes[i] = 0
		c.owes[j] = 0
		if j != i && peer.state.Lives() {
			c.owes[j] = peer.life
		}
	}
	c.state, c.held, c.again = Ended, asked && !again, false
	switch {
	case again:
		m.build(i)
	case !asked && !m.ending:
		m.obey(m.tree.Ended(i, failed, now))
	}
	for j := range m.cores {
		m.start(j) // who waited for this one
	}
}

// obey does what the tree decided.
func (m *Machine) obey(d supervise.Decision) {
	if d.GiveUp {
		m.todo = append(m.todo, Action{Do: GiveUp, Why: d.Why})
		m.Shutdown(true)
		return
	}
	var living []int
	end := func(list []int, again bool) {
		for _, i := range list {
			if m.cores[i].state.Lives() {
				living = append(living, i)
				if m.cores[i].state != Stopping {
					m.end(i, true, again)
				}
			}
		}
	}
	end(d.Restart, true)
	end(d.Stop, false)
	for _, i := range d.Restart {
		c := &m.cores[i]
		c.after = append([]int(nil), living...)
		if c.state == Ended && !c.held {
			m.build(i)
		}
	}
}
