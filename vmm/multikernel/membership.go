package multikernel

import "barreleye/guest/monitor/membership"

// What follows keeps who the members are, and says so in the shared region: the monitors
// agree on what they hold in common among those (guest/monitor/agreement).

// found makes the first view, of the cores with which the run starts.
func (r *run) found() {
	r.members = membership.NewKeeper(r.opt.Cores)
	r.publishView()
}

func (r *run) publishView() {
	p := r.members.Published()
	membership.Publish(r.view.Header().View[:], &p)
}

// leave takes out a core that was fenced. Who lets go of its life has seen that view: it
// is published before that life counts as buried.
func (r *run) leave(c *core) {
	if r.members.Died(c.index) {
		r.publishView()
	}
}

// enter lets a core in whose life is about to begin, at once or once all members are done
// with the view of today. Those of the first view are in.
func (r *run) enter(c *core) {
	if r.members.Returned(c.index) {
		r.publishView()
	}
}

// settleViews takes what the cores say of the views that they have settled.
func (r *run) settleViews() {
	changed := false
	for i, c := range r.cores {
		if c.over {
			continue
		}
		if epoch := r.view.Block(i).SettledView.Load(); epoch != 0 && r.members.Settled(i, epoch) {
			changed = true
		}
	}
	if changed {
		r.publishView()
		r.tellLiving(nil)
	}
}
