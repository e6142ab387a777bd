package machine

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// nap is how a core is parked that sleeps, until its doorbell is rung or its timer is due:
// its thread is out of KVM_RUN and waits for the doorbell's event descriptor. KVM lets
// go of that meanwhile, or it would take the rings.
type nap struct {
	bell  int                            // the core's doorbell
	until func() (at time.Time, ok bool) // when it wakes by itself: the zero time is never; false: it does not sleep
	took  func()                         // it was parked
}

// wake ends the nap: a ring for nothing harms nobody. It may be nil.
func (n *nap) wake() {
	if n != nil {
		one := [8]byte{1}
		// Only a full counter could refuse, and then it was rung already.
		_, _ = unix.Write(n.bell, one[:])
	}
}

// Nap parks the core until bell, to which it is bound (BindInterrupt), is rung, or until the time that
// until returns, the zero time being never. Where it does not sleep, nothing happens.
// took is called once it is parked.
func (m *Machine) Nap(bell int, until func() (at time.Time, ok bool), took func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.nap != nil || m.halt.asked || m.stopped {
		return
	}
	m.kick()
	m.nap = &nap{bell, until, took}
}

// sleep takes a nap. A core that has not halted yet, or for which an interrupt has come,
// must go on: only what comes later is there to be waited for.
func (m *Machine) sleep(n *nap) error {
	if err := m.vm.UnbindInterrupt(n.bell); err != nil {
		return err
	}
	halted, err := m.vcpu.Halted()
	if at, ok := n.until(); err == nil && halted && ok {
		n.took()
		err = await(n.bell, at)
	}
	if e := m.vm.RebindInterrupt(n.bell); err == nil {
		err = e
	}
	return err
}

// await returns once an event descriptor was signalled, or at a time.
func await(fd int, at time.Time) error {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		var limit *unix.Timespec
		if !at.IsZero() {
			left := time.Until(at)
			if left <= 0 {
				return nil
			}
			ts := unix.NsecToTimespec(left.Nanoseconds())
			limit = &ts
		}
		n, err := unix.Ppoll(p, limit, nil)
		if n > 0 {
			return nil
		}
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("machine: wait for a doorbell: %w: report it", err)
		}
	}
}
