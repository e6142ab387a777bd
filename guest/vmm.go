package guest

import (
	"errors"

	"barreleye/devices/region"
	"barreleye/guest/monitor"
	"barreleye/urpc"
)

// vmmChannel is the monitor's end of its channel with the VMM.
type vmmChannel struct {
	*urpc.Sender
	*urpc.Receiver
}

// vmmEnd returns it. The VMM polls while it waits for an answer, so it is never rung; the
// core does not poll for questions, which are rare.
func vmmEnd(view *region.View) (monitor.VMMChannel, error) {
	own, e1 := view.CoreSide(Core())
	other, e2 := view.VMMSide(Core())
	if err := errors.Join(e1, e2); err != nil {
		return nil, err
	}
	s, r, err := urpc.NewHalves(own, other, urpc.Link{Epoch: region.OwnEpoch(Life()), Sleeper: here.Sleeper(), Polls: -1})
	return vmmChannel{s, r}, err
}
