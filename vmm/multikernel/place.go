package multikernel

import "slices"

// roomiest returns the CPU of a core that is added: where the user pinned cores to a
// list, or to none, the place that says for it; else the CPU with the fewest cores.
func (r *run) roomiest(i int) int {
	if r.opt.Pin != "" && r.opt.Pin != "auto" {
		return r.place[i]
	}
	cpus, err := allowedCPUs()
	if err != nil {
		return r.place[i]
	}
	load := make([]int, len(cpus))
	for j, cpu := range r.place {
		if at := slices.Index(cpus, cpu); at >= 0 && j != i && r.machine.State(j).Lives() {
			load[at]++
		}
	}
	best := 0
	for at := range cpus {
		if load[at] < load[best] {
			best = at
		}
	}
	return cpus[best]
}

// recount decides anew how long idle cores poll, for lives that begin from now on.
func (r *run) recount() {
	r.crowded = r.opt.crowded(r.place[:r.seen])
	if poll, err := r.opt.pollTime(r.crowded); err == nil { // checked at the start
		r.poll = poll
	}
	r.measurePoll = r.opt.autoPoll() && !r.crowded
}
