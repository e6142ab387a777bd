package machine

import (
	"errors"

	"barreleye/devices/region"
	"barreleye/vmm/hostmem"
)

// ErrOver says that there is nothing to look at: the core's life is over.
var ErrOver = errors.New("its life is over")

// Look has the core stand still, shows it, and lets it go on, unless something else
// keeps it from that. The thread of a core that is stopped meanwhile waits for the end
// of the look. shared is the shared region, record what the driver tells there.
func (m *Machine) Look(record *region.Crash, shared *hostmem.Memory, show func(*Remains)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.halt.over {
		return ErrOver
	}
	m.halt.looks++
	defer func() {
		m.halt.looks--
		m.halt.changed.Broadcast()
	}()
	m.kick()
	for !m.halt.parked && !m.halt.over {
		m.halt.changed.Wait()
	}
	if !m.halt.parked {
		return ErrOver
	}
	m.mu.Unlock()
	defer m.mu.Lock()
	show(&Remains{m: m, cpu: m.standing(), table: record.Threads, shared: shared})
	return nil
}
