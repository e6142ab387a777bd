package multikernel

import (
	"errors"

	"barreleye/devices/region"
	"barreleye/urpc"
)

// bury closes everything that an ended core shared with the living, so that
// they receive what it had sent and then an error instead of waiting for ever.
// The core does not run any more: its vCPU has left KVM_RUN for good.
func (r *run) bury(dead *core) {
	for _, peer := range r.cores {
		if peer == dead || peer.over {
			continue
		}
		if err := r.buryBetween(dead.index, peer.index); err != nil {
			r.logs.Alarm("core %d: its channels to core %d cannot be closed: %v", dead.index, peer.index, err)
		}
		peer.bell.Wake()
	}
}

func (r *run) buryBetween(dead, peer int) error {
	epoch := uint8(r.view.Header().Epoch)
	for _, kind := range []int{region.ChannelMonitor, region.ChannelProgram} {
		own, e1 := r.view.OpenSide(kind, dead, peer)
		other, e2 := r.view.OpenSide(kind, peer, dead)
		if err := errors.Join(e1, e2); err != nil {
			return err
		}
		urpc.BurySide(own, other, epoch)
	}
	asked, e1 := r.view.OpenCall(dead, peer)
	served, e2 := r.view.OpenCall(peer, dead)
	if err := errors.Join(e1, e2); err != nil {
		return err
	}
	urpc.BuryCall(asked.Line, asked.Client, true, epoch)
	urpc.BuryCall(served.Line, served.Server, false, epoch)
	return nil
}
