package machine

import "sync"

// parking is how a core is taken off its CPU: its thread is out of KVM_RUN and waits
// here. Its memory and registers stay; interrupts that come are pending in the local
// APIC, and clocks go on.
type parking struct {
	asked   bool      // to be parked
	looks   int       // under way (Look)
	held    bool      // a debugger has the core stand (Debugger)
	shown   bool      // it stands for that, outside of CPL0 (leaveCPL0)
	parked  bool      // the thread waits, for any of these
	over    bool      // Run returns
	changed sync.Cond // any of these, or Machine.stopped
}

// Park takes the core off its CPU and returns once that is so, or the life over.
func (m *Machine) Park() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.halt.asked = true
	m.stand()
}

// stand waits until the core's thread does, as it was asked to, or the life is over.
// mu is held.
func (m *Machine) stand() {
	if m.halt.over {
		return // and the vCPU may be gone
	}
	m.kick()
	m.halt.changed.Broadcast() // it may stand for another reason
	for (m.halt.asked && !m.halt.parked || m.halt.held && !m.halt.shown) && !m.halt.over && !m.stopped {
		m.halt.changed.Wait()
	}
}

// Resume lets a parked core go on.
func (m *Machine) Resume() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.halt.asked = false
	m.halt.changed.Broadcast()
}

// rest waits while the core is to stand, takes a nap where one is wanted, and reports
// whether it was stopped. The core's thread calls it when it was kicked out of KVM_RUN,
// and at a debugger's trap.
func (m *Machine) rest() (stopped bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for (m.halt.asked || m.halt.held) && !m.stopped || m.halt.looks > 0 {
		if m.halt.held && !m.halt.shown && m.halt.looks == 0 {
			m.leaveCPL0()
			m.halt.shown = true
		}
		m.halt.parked = true
		m.halt.changed.Broadcast()
		m.halt.changed.Wait()
	}
	m.halt.parked = false
	if !m.stopped {
		m.vcpu.Unkick()
	}
	if n := m.nap; n != nil && !m.stopped {
		m.mu.Unlock()
		err = m.sleep(n)
		m.mu.Lock()
		m.nap = nil
	}
	return m.stopped, err
}
