package guest

import (
	"barreleye/devices/region"
	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/routes"
)

// What agreement has in the region (monitor.Shared).

// monitorTree returns the tree over which the monitors speak, if there is one.
func monitorTree(v *region.View) (routes.Tree, error) {
	if v.Header().MonitorTree == 0 {
		return routes.Tree{}, nil
	}
	above := make([]int, v.Cores)
	for c := range above {
		above[c] = int(v.VMM(c).Above) - 1
	}
	return routes.Of(above)
}

// Members returns who the VMM says they are, and the view in which this core begins.
func (n *network) Members() (now, first membership.View) {
	p := membership.Read(n.view.Header().View[:])
	return p.View, p.First(Core())
}

// Record stores what this core has decided.
func (n *network) Record(place int, r *agreement.Record) {
	r.Store(&n.decided[place])
}

// Records returns what a core had decided that was fenced.
func (n *network) Records(core int) (list [agreement.Window]agreement.Record) {
	for i := range list {
		list[i] = agreement.LoadRecord(&n.view.Decisions(core)[i])
	}
	return list
}

// Settled says that this core has settled a view. The VMM looks when a core wants to join.
func (n *network) Settled(epoch uint64) { n.view.Block(Core()).SettledView.Store(epoch) }
