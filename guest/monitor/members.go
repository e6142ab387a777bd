package monitor

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// Membership is who lives, as this core has seen it.
type Membership struct {
	// Epoch grows with every change. It counts what this core has seen, so that others'
	// differ.
	Epoch uint64
	// Lives are the numbers of the lives by core, 0 of those that do not live.
	Lives []uint64
}

// members keeps the membership and who waits for it to change.
type members struct {
	self   int
	hellos *atomic.Uint64

	mu      sync.Mutex
	now     Membership
	greeted []bool // by core: its monitor has said hello in this life
	ever    []bool // ... or in an earlier one
	changed chan struct{}
}

func newMembers(self, cores int, life uint64, hellos *atomic.Uint64) *members {
	m := &members{
		self: self, hellos: hellos, now: Membership{Epoch: 1, Lives: make([]uint64, cores)},
		greeted: make([]bool, cores), ever: make([]bool, cores), changed: make(chan struct{}),
	}
	m.now.Lives[self], m.greeted[self] = life, true
	return m
}

// tell wakes who waits, with mu held.
func (m *members) tell() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *members) set(peer int, life uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Epoch++
	m.now.Lives[peer], m.greeted[peer] = life, false
	m.tell()
}

// came and left say that a peer has begun a life, and that its life is over.
func (m *members) came(peer int, life uint64) { m.set(peer, life) }
func (m *members) left(peer int)              { m.set(peer, 0) }

// lives reports whether a core lives that life.
func (m *members) lives(core int, life uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now.Lives[core] == life
}

// heard says that a peer's monitor has said hello.
func (m *members) heard(peer int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.greeted[peer] = true
	if !m.ever[peer] {
		m.ever[peer] = true
		m.hellos.Add(1)
	}
	m.tell()
}

// wait returns once is, which is called with mu held, reports true.
func (m *members) wait(ctx context.Context, is func() bool) error {
	for {
		m.mu.Lock()
		done, changed := is(), m.changed
		m.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *members) membership() Membership {
	return Membership{m.now.Epoch, slices.Clone(m.now.Lives)}
}

// Members returns who lives.
func (m *Monitor) Members() Membership {
	m.members.mu.Lock()
	defer m.members.mu.Unlock()
	return m.members.membership()
}

// Changed returns who lives once that is not any more what it was in an epoch.
func (m *Monitor) Changed(ctx context.Context, epoch uint64) (now Membership, err error) {
	err = m.members.wait(ctx, func() bool {
		now = m.members.membership()
		return now.Epoch != epoch
	})
	return now, err
}

// WaitPeers returns once the monitor of every other core that lives has said hello.
func (m *Monitor) WaitPeers(ctx context.Context) error {
	all := m.members
	return all.wait(ctx, func() bool {
		for peer, life := range all.now.Lives {
			if life != 0 && !all.greeted[peer] {
				return false
			}
		}
		return true
	})
}

// WaitPeer returns the number of a peer's life once its monitor has said hello in one
// after the given one.
func (m *Monitor) WaitPeer(ctx context.Context, peer int, after uint64) (life uint64, err error) {
	if !m.cfg.Tree.Direct() {
		m.want(peer)
	}
	all := m.members
	err = all.wait(ctx, func() bool {
		life = all.now.Lives[peer]
		return life > after && all.greeted[peer]
	})
	return life, err
}
