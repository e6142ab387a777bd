package multikernel

import (
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/urpc"
)

// wipe makes what the last life of a core wrote into the shared region zero again, and
// gives the memory back to the host; so too the call lines that it shared, and what the
// VMM wrote for it alone. Nobody holds anything of it any more. Pages that were handed
// over stay: another core may read them.
func (r *run) wipe(core int) {
	for peer := range r.cores {
		if peer != core {
			sent, received := r.view.MessagesWith(core, peer)
			w := &r.cores[core].wiped[peer]
			w.sent, w.received = w.sent+sent, w.received+received
		}
	}
	for _, s := range r.view.Alone(core) {
		r.punch(uint64(s.First)*layout.PageSize, uint64(s.Pages)*layout.PageSize)
	}
	for peer := range r.cores {
		if peer != core {
			r.punch(uint64(r.view.CallArea(core, peer))-r.memory.Address(), region.CallLines*urpc.LineSize)
		}
	}
	asked := r.view.VMMSpan(core)
	r.punch(uint64(asked.First)*layout.PageSize, uint64(asked.Pages)*layout.PageSize)
	v := r.view.VMM(core)
	v.LogTail.Reset()
	v.Request.Store(0)
	v.Signal.Store(0)
	if core == 0 {
		r.view.Input().Reset()
	}
	c := r.cores[core]
	c.bell = c.newBell(r.view) // one that remembers no generation of the last life
}

func (r *run) punch(offset, size uint64) {
	if err := r.memory.Punch(offset, size); err != nil {
		clear(r.memory.Bytes[offset : offset+size])
	}
}
