// Package guest is what programs import to run as a core of a multikernel: the
// import alone makes a static Go program a Barreleye image, the functions tell
// it which core it is and give it channels to the others.
//
// Each core has its own Go runtime, heap and collector; nothing is shared but
// what goes through channels. A program runs once per core; by convention the
// cores tell their parts apart by Core.
//
// What a core prints ends up in the log of its run. There log/slog's default
// logger keeps level and attributes; LogLevel is its lowest level.
//
// An image that is started as a Linux process says how to run it, and ends with
// code 113. A package's test binary runs there all the same, as core 0 of 1: it
// has no peers, but the rest of the package can be tested.
package guest

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/guest/frames"
	"barreleye/guest/inspect"
	"barreleye/guest/monitor"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/requests"
)

// Core returns the index of this core, from 0 on.
func Core() int { return self.core }

// Cores returns the number of cores of this multikernel.
func Cores() int { return self.cores }

// Life returns which life of this core this is, 1 for the first. A core that was stopped,
// or has crashed, may be started again: that is its next life.
func Life() uint64 { return self.life }

// Running reports whether this program runs as a core. It does not in a unit
// test on Linux.
func Running() bool { return core != nil }

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
		if isTest(os.Args) {
			return // unit tests of packages that import this one
		}
		executable, _ := os.Executable() // where it is not known, as typed must do
		fmt.Fprintln(os.Stderr, notCore(os.Args[0], cmp.Or(executable, os.Args[0])))
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

// sharedRAM is the memory of the region that capabilities are about.
func sharedRAM(view *region.View) caps.Extent {
	offset, size := view.Geometry.RAM()
	return caps.Extent{Type: caps.RAM, Base: layout.RegionGPA + offset, Size: size}
}

// start attaches to the shared region and starts the core's monitor.
func start(p platform) error {
	here = p
	logRecords()
	self.core, self.cores, self.life = p.Core(), p.Cores(), p.Life()
	view := p.Region()
	if err := region.Check(view); err != nil {
		return err
	}
	links.init(view)
	if err := initPages(view); err != nil {
		return err
	}
	vmm, err := vmmEnd(view)
	if err != nil {
		return err
	}
	tree, err := monitorTree(view)
	if err != nil {
		return err
	}
	mapped = frames.New(p.Frames())
	m, err := monitor.Start(monitor.Config{
		Core: Core(), Life: Life(), Geometry: view.Geometry, Memory: &links,
		Ends: &links, Shared: &links, Tree: tree,
		Hellos:  &view.Block(Core()).Hellos,
		Request: requestWord(view), Sleeper: p.Sleeper(), Polls: monitorPolls, Computes: computes,
		PublishMaps: func(request uint64) {
			publishCollections()
			p.PublishMaps(request)
		},
		SharedRAM: sharedRAM(view), CheckCaps: p.CheckCaps(), Unmap: unmapObject, GiveBack: giveBack,
		VMM: vmm,
		Answer: func(ctx context.Context, kind requests.Kind, arg uint64) ([]byte, error) {
			return inspect.Answer(ctx, kind, arg, p.Ticks())
		},
	})
	core = m
	traceCollector()
	b := view.Block(Core())
	b.MainTSC.Store(TSC())
	b.State.Store(region.StateRunning)
	return err
}
