// Package guest is what programs import to run as a core of a multikernel: the
// import alone makes a static Go program a Barreleye image, the functions tell
// it which core it is and give it channels to the others.
//
// Each core has its own Go runtime, heap and collector; nothing is shared but
// what goes through channels. A program runs once per core; by convention the
// cores tell their parts apart by Core.
package guest

import (
	"fmt"
	"os"
	"strings"

	"barreleye/devices/region"
	"barreleye/guest/monitor"
)

// Core returns the index of this core, from 0 on.
func Core() int { return self.core }

// Cores returns the number of cores of this multikernel.
func Cores() int { return self.cores }

// Life returns which life of this core this is, 1 for the first.
func Life() uint64 { return self.life }

// Region returns the view of the shared region, for programs that look at what
// cores publish there.
func Region() *region.View { return here.Region() }

// self is who this core is. A unit test that runs as a plain process is the
// only core of none.
var self = struct {
	core, cores int
	life        uint64
}{0, 1, 1}

// exitNotGuest is the exit code of an image that was started as a process, or
// that cannot attach to its multikernel.
const exitNotGuest = 113

// core is this core's monitor; nil outside a multikernel.
var core *monitor.Monitor

func init() {
	p, err := attach()
	if p == nil && err == nil {
		if strings.HasSuffix(os.Args[0], ".test") {
			return // unit tests of packages that import this one
		}
		fmt.Fprintf(os.Stderr, "%s: this is a Barreleye guest image, one core of a multikernel: run it with 'barreleye run %s'\n", os.Args[0], os.Args[0])
		os.Exit(exitNotGuest)
	}
	if err == nil {
		err = start(p)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "guest: core %d: %v\n", Core(), err)
		os.Exit(exitNotGuest)
	}
}

// start attaches to the shared region and starts the core's monitor.
func start(p platform) error {
	here = p
	self.core, self.cores, self.life = p.Core(), p.Cores(), p.Life()
	view := p.Region()
	if err := region.Check(view); err != nil {
		return err
	}
	links.init(view)
	m, err := monitor.Start(monitor.Config{
		Core: Core(), Cores: Cores(), Life: Life(),
		Channel: func(peer int) (monitor.Channel, error) { return links.conn(region.ChannelMonitor, peer) },
		Hellos:  &view.Block(Core()).Hellos,
		Request: requestWord(view), Sleeper: p.Sleeper(),
		PublishMaps: p.PublishMaps,
	})
	core = m
	b := view.Block(Core())
	b.MainTSC.Store(TSC())
	b.State.Store(region.StateRunning)
	return err
}
