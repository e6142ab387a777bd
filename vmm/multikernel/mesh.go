package multikernel

import (
	"fmt"
	"slices"
	"strings"

	"barreleye/guest/monitor/routes"
)

// Over which channels monitors speak to each other (package routes).
const (
	MonitorsAuto   = "auto"   // a tree from monitorsInTree cores on
	MonitorsDirect = "direct" // each with every other one
	MonitorsTree   = "tree"   // with its neighbours in a tree
)

// MonitorPlans are all of them.
var MonitorPlans = []string{MonitorsAuto, MonitorsDirect, MonitorsTree}

// monitorsInTree is from how many cores on the monitors speak over a tree by themselves.
const monitorsInTree = 16

func (o *Options) checkMonitors() error {
	if o.Monitors != "" && !slices.Contains(MonitorPlans, o.Monitors) {
		return fmt.Errorf("run: --monitors %s: use --monitors %s", o.Monitors, strings.Join(MonitorPlans, ", "))
	}
	return nil
}

// plant writes down the tree over which the monitors speak, if there is one.
func (r *run) plant() {
	if o := r.opt; o.Monitors != MonitorsTree && (o.Monitors == MonitorsDirect || o.Cores < monitorsInTree) {
		return
	}
	tree := routes.Balanced(r.opt.room())
	for c := range r.opt.room() {
		r.view.VMM(c).Above = uint64(tree.Above(c) + 1)
	}
	r.view.Header().MonitorTree = 1
}
