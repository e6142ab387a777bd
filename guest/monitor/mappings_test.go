package monitor

import (
	"sync"

	"barreleye/guest/monitor/caps"
)

// mappings are who has what mapped, in place of page tables.
type mappings struct {
	mu   sync.Mutex
	list map[*testCore]map[caps.ObjectID]caps.Extent
	by   map[*testCore]int // who wanted what each unmapped last unmapped
}

// mapped maps an object that the core has a capability to.
func (m *mappings) mapped(c *testCore, o caps.ObjectID, e caps.Extent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.list == nil {
		m.list, m.by = map[*testCore]map[caps.ObjectID]caps.Extent{}, map[*testCore]int{}
	}
	if m.list[c] == nil {
		m.list[c] = map[caps.ObjectID]caps.Extent{}
	}
	m.list[c][o] = e
}

func (m *mappings) unmap(c *testCore, o caps.ObjectID, by int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, mapped := m.list[c][o]; mapped {
		m.by[c] = by
	}
	delete(m.list[c], o)
}

func (m *mappings) fence(c *testCore) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.list, c)
}

// of returns a core that has some of an extent mapped.
func (m *mappings) of(e caps.Extent) *testCore {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c, all := range m.list {
		for _, x := range all {
			if x.Overlaps(e) {
				return c
			}
		}
	}
	return nil
}

// mapCap maps what r names, with the monitor's lock held: a program maps and loses a
// capability in some order.
func (c *testCore) mapCap(r caps.Ref) {
	c.agreed.mu.Lock()
	defer c.agreed.mu.Unlock()
	if o, err := c.caps.space.Object(r); err == nil {
		got, _ := c.caps.space.Get(r)
		c.k.maps.mapped(c, o, got.Extent)
	}
}
