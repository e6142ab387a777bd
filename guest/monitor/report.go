package monitor

import "barreleye/guest/monitor/report"

// Report says what this core's monitor holds, for whoever looks at the run.
func (m *Monitor) Report() report.Monitor {
	a, channels := m.agreed, m.connected()
	a.mu.Lock()
	defer a.mu.Unlock()
	now, _ := a.shared.Members()
	r := report.Monitor{Core: a.core, Published: now.Epoch, Ready: a.ready, Waiting: len(a.waiting), Channels: channels, Names: a.state.Names.Save(nil)}
	if a.machine != nil {
		now = a.machine.View()
		r.Own, r.Others = a.machine.Under()
	}
	r.Epoch, r.Joining = now.Epoch, now.Joining
	for c := range now.Members.All() {
		r.Members = append(r.Members, c)
	}
	return r
}

// CapsReport says which capabilities this core has, and what it knows of the others'.
func (m *Monitor) CapsReport() report.Caps {
	m.agreed.mu.Lock()
	defer m.agreed.mu.Unlock()
	c := m.caps
	r := report.Caps{Core: c.core, Ready: m.agreed.ready, Area: c.ledger().Area(), Entries: c.ledger().Entries()}
	for _, e := range c.ledger().Free() {
		r.Free += e.Size
	}
	for _, o := range c.space.Objects() {
		r.Objects = append(r.Objects, report.Object{Object: o, Entry: c.entries[o.ID]})
	}
	return r
}
