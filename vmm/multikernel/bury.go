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
			r.logs.Say("core %d: its channels to core %d cannot be closed: %v", dead.index, peer.index, err)
		}
		peer.bell.Wake()
	}
}

func (r *run) buryBetween(dead, peer int) error {
	epoch := uint8(r.view.Header().Epoch)
	for _, kind := range []int{region.ChannelMonitor, region.ChannelProgram} {
		own, e1 := r.side(kind, dead, peer)
		other, e2 := r.side(kind, peer, dead)
		if err := errors.Join(e1, e2); err != nil {
			return err
		}
		urpc.BurySide(own, other, epoch)
	}
	asClient, _ := r.view.CallControls(dead, peer)
	_, asServer := r.view.CallControls(dead, peer)
	return errors.Join(
		buryCall(r.view.CallLine(dead, peer), asClient, true, epoch),
		buryCall(r.view.CallLine(peer, dead), asServer, false, epoch))
}

func (r *run) side(kind, from, to int) (urpc.Side, error) {
	lines := r.view.Lines(kind)
	mem, err := urpc.MemoryAt(r.view.Side(kind, from, to), urpc.SideBytes(lines))
	if err != nil {
		return urpc.Side{}, err
	}
	return urpc.SideOf(mem, lines)
}

func buryCall(lineAt, controlAt uintptr, client bool, epoch uint8) error {
	lineMem, e1 := urpc.MemoryAt(lineAt, urpc.LineSize)
	controlMem, e2 := urpc.MemoryAt(controlAt, urpc.LineSize)
	if err := errors.Join(e1, e2); err != nil {
		return err
	}
	line, e1 := urpc.LineOf(lineMem)
	control, e2 := urpc.ControlOf(controlMem)
	if err := errors.Join(e1, e2); err != nil {
		return err
	}
	urpc.BuryCall(line, control, client, epoch)
	return nil
}
