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
	life := &r.view.VMM(dead.index).Life
	number, _ := r.view.LifeOf(dead.index)
	r.view.VMM(dead.index).Buried.Store(r.view.Header().Epoch.Load())
	life.Store(region.LifeWord(number, region.OverBurying))
	r.leave(dead)
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
	}
	life.Store(region.LifeWord(number, region.OverBuried))
	r.tellLiving(dead)
}

// buryBroadcast closes the broadcast of an ended core and its acknowledgements of
// the others'. Their cores are woken afterwards.
func (r *run) buryBroadcast(dead *core) error {
	number, _ := r.view.LifeOf(dead.index)
	epoch := region.OwnEpoch(number)
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
		writer, _ := r.view.LifeOf(peer.index)
		urpc.BuryListener(own, region.OwnEpoch(writer))
		members = append(members, other)
	}
	b, err := r.view.OpenBroadcast(dead.index)
	if err == nil {
		urpc.BuryBroadcaster(b, members, epoch)
	}
	return err
}

func (r *run) buryBetween(dead, peer int) error {
	epoch := r.view.EpochOf(dead, peer)
	for _, kind := range region.Channels {
		own, e1 := r.view.OpenSide(kind, dead, peer)
		other, e2 := r.view.OpenSide(kind, peer, dead)
		if err := errors.Join(e1, e2); err != nil {
			return err
		}
		urpc.BurySide(own, other, epoch)
	}
	if err := r.buryOpened(dead, peer); err != nil {
		return err
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

// buryOpened closes the channels that the programs opened between them. The dead
// core's directory may lack some, or lie; that of the living core has those that
// it waits on, except for one that it is opening, which was in the dead core's
// directory before it heard of it. Nothing is written outside of what the dead core
// wrote.
func (r *run) buryOpened(dead, peer int) error {
	for _, e := range r.view.Opened(dead, peer) {
		own, other, err := r.view.EntrySides(dead, peer, e)
		if err != nil {
			return err
		}
		buryEntry(own, other, e)
	}
	for _, e := range r.view.Opened(peer, dead) {
		other, own, err := r.view.EntrySides(peer, dead, e)
		if err != nil {
			return err
		}
		if e.Open {
			buryEntry(own, other, e)
		}
	}
	return nil
}

// buryEntry closes the dead core's side of one of them.
func buryEntry(dead, peer urpc.Side, e region.Entry) {
	if e.Profile == region.ProfileBulk {
		urpc.BuryBulk(dead, e.Epoch)
		return
	}
	if peer.Rx == nil {
		peer.Rx = new(urpc.Control) // nobody has taken anything yet
	}
	urpc.BurySide(dead, peer, e.Epoch)
}
