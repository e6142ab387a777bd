package fanout

import (
	"fmt"
	"slices"
)

// What a Machine does when a core is lost, or nobody asks any more.

// violated gives a core up, and those below it.
func (m *Machine) violated(core int, err error, list []Action) []Action {
	list = append(list, Action{Kind: ActIgnore, To: core, Err: fmt.Errorf("fanout: core %d: %w", core, err)})
	return m.gone(core, false, list)
}

// gone takes over the children of a child, if inherit says so, or takes the next
// core above as parent.
func (m *Machine) gone(core int, inherit bool, list []Action) []Action {
	if core == m.parent {
		return m.orphaned(list)
	}
	at := slices.Index(m.children, core)
	if at < 0 {
		return list
	}
	lost, heirs := []int{core}, m.tree.children[core]
	if !inherit {
		lost, heirs = append(lost, m.tree.under(core)...), nil
	}
	m.children = slices.Replace(m.children, at, at+1, heirs...)
	for _, c := range heirs {
		list = append(list, Action{Kind: ActListen, To: c})
	}
	named := false
	for i := range uint64(Window) { // from the oldest operation on
		o := &m.ops[(m.next+i)%Window]
		at := slices.Index(o.waits, core)
		if at < 0 {
			continue
		}
		named = true
		for _, c := range lost {
			o.lose(c)
		}
		o.waits = slices.Replace(o.waits, at, at+1, heirs...)
		for _, c := range heirs {
			list = append(list, requestTo(c, o))
		}
		list = m.settle(o, list)
	}
	if !named {
		m.unnamed = append(m.unnamed, lost...)
	}
	return list
}

// orphaned goes one level up. Whoever is there asks again for what it wants.
func (m *Machine) orphaned(list []Action) []Action {
	m.parent = m.tree.parent[m.parent]
	for i := range m.ops {
		m.ops[i].asked = false
	}
	if m.parent == nobody {
		return m.end(list)
	}
	return append(list, Action{Kind: ActListen, To: m.parent})
}

// end tells the children that no request follows.
func (m *Machine) end(list []Action) []Action {
	for _, c := range m.children {
		list = append(list, Action{Kind: ActSend, To: c, Packet: Packet{Kind: KindEnd}})
	}
	return append(list, Action{Kind: ActEnd})
}
