// Package monitor is a core's monitor (paper §4.4): the process that keeps the
// core's part of the system's state and speaks to the other monitors. It owns
// the core's memory-map table (package maps; the CPU driver keeps it as it
// serves the runtime) and its power state, answers the VMM's questions about
// both through the shared region, shakes hands with every other monitor at the
// begin of its core's life, lets go of cores whose life has ended (package lives),
// opens and closes channels between programs (package bind), agrees with the others
// (package agreement) on what has a name (package names), and answers what the VMM
// asks about the program (package requests).
package monitor

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"barreleye/devices/region"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/lives"
	"barreleye/guest/monitor/requests"
	"barreleye/guest/monitor/routes"
	"barreleye/urpc"
)

// Channel is a monitor's end of its channel to one other monitor. One goroutine at a time
// sends, and one receives; neither waits for the other.
type Channel struct {
	Sender
	Receiver
}

// Sender is what sends: what the methods do, and their errors, is said at those of urpc.Sender.
type Sender interface {
	TrySend(m *urpc.Message) error
	Flush()
	Send(ctx context.Context, m *urpc.Message) error
}

// Receiver is what receives, as urpc.Receiver.
type Receiver interface {
	TryRecv(m *urpc.Message) error
	Look() (polled int)
	Arm() (p urpc.Parking, ready bool)
}

// VMMChannel is its end of the channel with the VMM.
type VMMChannel interface {
	Send(ctx context.Context, m *urpc.Message) error
	Recv(ctx context.Context, m *urpc.Message) error
}

// Config is what a monitor needs of its core.
type Config struct {
	Core        int
	Life        uint64
	Geometry    region.Geometry
	Memory      Memory
	Ends        Ends
	Shared      Shared
	Tree        routes.Tree    // over which there is agreement; none: all monitors speak to each other
	Hellos      *atomic.Uint64 // where the number of peers heard of is published
	Request     *uint64        // grows with every question of the VMM
	Sleeper     urpc.Sleeper
	Polls       func() int           // how often to look for a peer's answer before sleeping; nil or 0: not once
	Computes    func() bool          // whether the program keeps this core from looking by itself; nil: no
	PublishMaps func(request uint64) // writes the map table as the answer to a request

	// SharedRAM is the memory of the region that capabilities are about, at its
	// guest-physical address; size 0 is none. Unmap takes an object's mappings out of the
	// page tables, when this core has no capability to it any more, because of what core by
	// did: at once, and without asking the monitor anything. GiveBack gets private memory that is free again. nil
	// does nothing. CheckCaps has all invariants tested after each change.
	SharedRAM caps.Extent
	Unmap     func(o caps.ObjectID, e caps.Extent, by int)
	GiveBack  func(caps.Extent)
	CheckCaps bool

	// VMM is the channel with the VMM, by which it asks what Answer answers; nil for none.
	VMM    VMMChannel
	Answer func(ctx context.Context, kind requests.Kind, arg uint64) ([]byte, error)
}

// Monitor is one core's monitor.
type Monitor struct {
	cfg      Config
	members  *members
	channels *channels
	agreed   *agreed
	caps     *capabilities
	ears     *ears
	lives    *lives.Machine
	mesh     mesh
	looking  sync.Mutex // the right to look at the others' lives

	// mu guards what the monitor keeps and its ends of channels: it does one thing at a
	// time, whichever goroutine has it do that. Members and mesh have locks of their own;
	// who has looking may take that of the mesh, then mu, then that of the members.
	mu sync.Mutex
}

// Start starts the monitor's goroutines, once there are ends to all cores that live.
func Start(cfg Config) (*Monitor, error) {
	n := cfg.Geometry.Cores
	m := &Monitor{
		cfg: cfg, members: newMembers(cfg.Core, n, cfg.Life, cfg.Hellos), lives: lives.New(n), mesh: mesh{peers: make([]acquaintance, n)},
	}
	m.channels = newChannels(&m.mu, cfg.Geometry, cfg.Memory)
	m.agreed = newAgreed(&m.mu, &cfg, m.channels.over)
	if cfg.Polls == nil {
		cfg.Polls = func() int { return 0 }
	}
	if cfg.Computes == nil {
		cfg.Computes = func() bool { return false }
	}
	m.ears = newEars(m, cfg.Polls, cfg.Computes)
	m.agreed.ears, m.agreed.monitor = m.ears, m
	m.caps = m.agreed.caps
	m.channels.closed, m.channels.endpoints = m.caps.closed, m.caps
	seen := atomic.LoadUint64(cfg.Ends.Word())
	if err := m.look(); err != nil {
		return nil, fmt.Errorf("monitor: %w", err)
	}
	go m.follow(seen)
	go m.answer()
	if cfg.VMM != nil {
		r := &requested{ch: cfg.VMM, answer: m.tell, giveUp: map[uint64]context.CancelFunc{}}
		go r.hear(cfg.Core)
	}
	return m, nil
}

// tell answers a request of the VMM.
func (m *Monitor) tell(ctx context.Context, kind requests.Kind, arg uint64) ([]byte, error) {
	if kind == requests.Monitor {
		r := m.Report()
		return r.Append(nil), nil
	}
	if kind == requests.Caps {
		r := m.CapsReport()
		return r.Append(nil), nil
	}
	return m.cfg.Answer(ctx, kind, arg)
}

// answer serves the VMM: each new value of the request word asks for the map
// table. The power state needs no answer, the driver publishes it as it goes.
func (m *Monitor) answer() {
	seen := uint64(0)
	for {
		request := atomic.LoadUint64(m.cfg.Request)
		if request != seen {
			seen = request
			m.cfg.PublishMaps(request)
			continue
		}
		if err := m.cfg.Sleeper.Sleep(context.Background(), m.cfg.Request, seen); err != nil {
			return // the core is ending
		}
	}
}
