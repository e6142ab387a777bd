package fanout

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"barreleye/urpc"
)

const (
	ringLines = 16
	epoch     = 3
)

// mesh is the memory of some cores, which are goroutines: a channel between each
// two and a broadcast of each.
type mesh struct {
	tb    testing.TB
	sides [][]urpc.Side        // what the first writes for the second
	lines []urpc.Broadcast     // by writer
	acks  [][]*urpc.Control    // of the first for the second's broadcast
	conns []map[int]*urpc.Conn // by core, used by its goroutine only
	link  func(from, to int) urpc.Link
	done  sync.WaitGroup
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newMesh(tb testing.TB, cores int) *mesh {
	m := &mesh{tb: tb, link: func(int, int) urpc.Link { return awake() }}
	for range cores {
		var sides []urpc.Side
		var acks []*urpc.Control
		for range cores {
			sides = append(sides, must(urpc.SideOf(make([]byte, urpc.SideBytes(ringLines)), ringLines)))
			acks = append(acks, must(urpc.ControlOf(make([]byte, 4096))))
		}
		m.sides, m.acks = append(m.sides, sides), append(m.acks, acks)
		m.lines = append(m.lines, must(urpc.BroadcastOf(make([]byte, 4096))))
		m.conns = append(m.conns, map[int]*urpc.Conn{})
	}
	return m
}

// awake is how cores of a mesh wait: they let others run.
func awake() urpc.Link { return urpc.Link{Epoch: epoch, Polls: -1} }

func (m *mesh) dial(core int) Dial {
	return func(peer int) (*urpc.Conn, error) {
		if c := m.conns[core][peer]; c != nil {
			return c, nil
		}
		c, err := urpc.NewConn(m.sides[core][peer], m.sides[peer][core], m.link(core, peer))
		m.conns[core][peer] = c
		return c, err
	}
}

// bury does what the VMM does when a core has died.
func (m *mesh) bury(dead int) {
	var members []*urpc.Control
	for peer := range m.sides {
		if peer == dead {
			continue
		}
		urpc.BurySide(m.sides[dead][peer], m.sides[peer][dead], epoch)
		urpc.BuryListener(m.acks[dead][peer], epoch)
		members = append(members, m.acks[peer][dead])
	}
	urpc.BuryBroadcaster(m.lines[dead], members, epoch)
}

// crash is the end of a core that calls it.
func (m *mesh) crash(core int) {
	m.bury(core)
	runtime.Goexit()
}

// form of fan-out under test: how to make both ends. Core 0 asks all others.
type testForm struct {
	name  string
	group func(m *mesh, fold Fold) (*Group, error)
	part  func(m *mesh, core int, fold Fold) (*Member, error)
}

func (m *mesh) members() (list []int) {
	for i := 1; i < len(m.sides); i++ {
		list = append(list, i)
	}
	return list
}

func (m *mesh) tree(fan int) *Tree { return must(Balanced(append([]int{0}, m.members()...), fan)) }

var testForms = []testForm{
	{"broadcast", func(m *mesh, fold Fold) (*Group, error) {
		var controls []*urpc.Control
		var links []urpc.Link
		for _, i := range m.members() {
			controls, links = append(controls, m.acks[i][0]), append(links, m.link(0, i))
		}
		line := must(urpc.NewBroadcaster(m.lines[0].Ring, m.lines[0].Tx, controls, links))
		return NewBroadcast(line, m.members(), m.dial(0), fold)
	}, func(m *mesh, core int, _ Fold) (*Member, error) {
		line := must(urpc.NewReceiver(m.lines[0].Ring, m.acks[core][0], m.lines[0].Tx, m.link(core, 0)))
		return NewBroadcastMember(line, must(m.dial(core)(0))), nil
	}},
	{"unicast", func(m *mesh, fold Fold) (*Group, error) {
		return NewUnicast(m.members(), m.dial(0), fold)
	}, func(m *mesh, core int, _ Fold) (*Member, error) {
		return NewUnicastMember(must(m.dial(core)(0))), nil
	}},
	multicastForm("multicast", 2),
	multicastForm("chain", 1),
}

func multicastForm(name string, fan int) testForm {
	return testForm{name, func(m *mesh, fold Fold) (*Group, error) {
		return NewMulticast(m.tree(fan), 0, m.dial(0), fold)
	}, func(m *mesh, core int, fold Fold) (*Member, error) {
		return NewMulticastMember(m.tree(fan), core, m.dial(core), fold)
	}}
}

// start makes the group, and lets every member serve in its goroutine. The errors
// of the members that do not crash arrive by core.
func (f *testForm) start(m *mesh, ctx context.Context, fold Fold, handle func(core int) Handler) (*Group, []chan error) {
	ends := make([]chan error, len(m.sides))
	for _, i := range m.members() {
		part := must(f.part(m, i, fold))
		ends[i] = make(chan error, 1)
		m.done.Add(1)
		go func() {
			defer m.done.Done()
			ends[i] <- part.Serve(ctx, handle(i))
		}()
	}
	return must(f.group(m, fold)), ends
}

// limit is a context that ends what hangs.
func limit(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	tb.Cleanup(cancel)
	return ctx
}

// eachForm runs a test for every form with some numbers of members.
func eachForm(t *testing.T, members []int, f func(t *testing.T, form *testForm, m *mesh)) {
	for i := range testForms {
		for _, n := range members {
			t.Run(fmt.Sprintf("%s/%d", testForms[i].name, n), func(t *testing.T) {
				m := newMesh(t, n+1)
				f(t, &testForms[i], m)
				m.done.Wait()
			})
		}
	}
}
