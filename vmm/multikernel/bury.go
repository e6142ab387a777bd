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
	if err := r.buryBroadcast(dead); err != nil {
		r.logs.Alarm("core %d: its broadcast cannot be closed: %v", dead.index, err)
	}
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

// buryBroadcast closes the broadcast of an ended core and its acknowledgements of
// the others'. Their cores are woken afterwards.
func (r *run) buryBroadcast(dead *core) error {
	epoch := uint8(r.view.Header().Epoch)
	var members []*urpc.Control
	for _, peer := range r.cores {
		if peer == dead || peer.over {
			continue
		}
		own, e1 := r.view.OpenAck(dead.index, peer.index)
		other, e2 := r.view.OpenAck(peer.index, dead.index)
		if err := errors.Join(e1, e2); err != nil {
			return err
		}
		urpc.BuryListener(own, epoch)
		members = append(members, other)
	}
	b, err := r.view.OpenBroadcast(dead.index)
	if err == nil {
		urpc.BuryBroadcaster(b, members, epoch)
	}
	return err
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
