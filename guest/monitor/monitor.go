// Package monitor is a core's monitor (paper §4.4): the process that keeps the
// core's part of the system's state and speaks to the other monitors. It owns
// the core's memory-map table (package maps; the CPU driver keeps it as it
// serves the runtime) and its power state, answers the VMM's questions about
// both through the shared region, shakes hands with every other monitor
// at boot, and opens and closes channels between programs (package bind).
package monitor

import (
	"context"
	"fmt"
	"sync/atomic"

	"barreleye/devices/region"
	"barreleye/urpc"
)

// Channel is a monitor's end of its channel to one other monitor. One goroutine
// sends and another one receives.
type Channel interface {
	Send(ctx context.Context, m *urpc.Message) error
	Recv(ctx context.Context, m *urpc.Message) error
}

// Config is what a monitor needs of its core.
type Config struct {
	Core        int
	Life        uint64
	Geometry    region.Geometry
	Memory      Memory
	Channel     func(peer int) (Channel, error)
	Hellos      *atomic.Uint64 // where the number of peers heard of is published
	Request     *uint64        // grows with every question of the VMM
	Sleeper     urpc.Sleeper
	PublishMaps func(request uint64) // writes the map table as the answer to a request
}

// Monitor is one core's monitor.
type Monitor struct {
	cfg      Config
	heard    chan int // peers whose hello arrived
	all      chan struct{}
	channels *channels
}

// Start starts the monitor's goroutines.
func Start(cfg Config) (*Monitor, error) {
	m := &Monitor{cfg: cfg, heard: make(chan int), all: make(chan struct{}), channels: newChannels(cfg.Geometry, cfg.Memory)}
	for peer := range cfg.Geometry.Cores {
		if peer == cfg.Core {
			continue
		}
		ch, err := cfg.Channel(peer)
		if err != nil {
			return nil, fmt.Errorf("monitor: %w", err)
		}
		m.channels.out[peer] = newOutbox(ch)
		m.sayHello(peer)
	}
	for peer, out := range m.channels.out {
		if out != nil {
			go m.peer(peer, out.ch)
		}
	}
	go m.count()
	go m.answer()
	return m, nil
}

// count publishes how many peers said hello.
func (m *Monitor) count() {
	for n := 1; n < m.cfg.Geometry.Cores; n++ {
		<-m.heard
		m.cfg.Hellos.Add(1)
	}
	close(m.all)
}

// WaitPeers returns once every other monitor has said hello.
func (m *Monitor) WaitPeers(ctx context.Context) error {
	select {
	case <-m.all:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
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
