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
	"barreleye/guest/cpudriver"
	"barreleye/guest/monitor"
)

// Core returns the index of this core, from 0 on.
func Core() int { return cpudriver.Core() }

// Cores returns the number of cores of this multikernel.
func Cores() int { return cpudriver.Cores() }

// Life returns which life of this core this is, 1 for the first.
func Life() uint64 { return cpudriver.Life() }

// exitNotGuest is the exit code of an image that was started as a process, or
// that cannot attach to its multikernel.
const exitNotGuest = 113

// core is this core's monitor; nil outside a guest.
var core *monitor.Monitor

func init() {
	if !cpudriver.InGuest() {
		if strings.HasSuffix(os.Args[0], ".test") {
			return // unit tests of packages that import this one
		}
		fmt.Fprintf(os.Stderr, "%s: this is a Barreleye guest image, one core of a multikernel: run it with 'barreleye run %s'\n", os.Args[0], os.Args[0])
		os.Exit(exitNotGuest)
	}
	if err := start(); err != nil {
		fmt.Fprintf(os.Stderr, "guest: core %d: %v\n", Core(), err)
		os.Exit(exitNotGuest)
	}
}

// start attaches to the shared region and starts the core's monitor.
func start() error {
	view := cpudriver.Region()
	if err := region.Check(view); err != nil {
		return err
	}
	links.init(view)
	m, err := monitor.Start(monitor.Config{
		Core: Core(), Cores: Cores(), Life: Life(),
		Channel: func(peer int) (monitor.Channel, error) { return links.conn(region.ChannelMonitor, peer) },
		Hellos:  &view.Block(Core()).Hellos,
		Request: requestWord(view), Sleeper: links.sleeper,
		PublishMaps: cpudriver.PublishMaps,
	})
	core = m
	b := view.Block(Core())
	b.MainTSC.Store(cpudriver.TSC())
	b.State.Store(region.StateRunning)
	return err
}
