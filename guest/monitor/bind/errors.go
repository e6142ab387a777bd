package bind

import (
	"errors"
	"fmt"

	"barreleye/urpc"
)

// Errors of a binding.
var (
	// ErrService: nobody at that core listens for the service.
	ErrService = errors.New("nobody listens for it there")
	// ErrProfile: whoever listens there wants channels of the other profile.
	ErrProfile = errors.New("it is of the other profile there")
	// ErrRoom: a core's pool for channels with the other one has no room for the side.
	ErrRoom = errors.New("no room left for a channel between these cores")
	// ErrGone: the other core's life has ended.
	ErrGone = errors.New("the core has ended")
	// ErrStopping: the other core is about to end.
	ErrStopping = errors.New("the core is about to end")
	// ErrListening: this core listens for the service already.
	ErrListening = errors.New("this core listens for it already")
	// ErrRequest: no channel can be as asked for.
	ErrRequest = errors.New("impossible request")
	// ErrProtocol: the other core's monitor said what no monitor says. It is an
	// urpc.ErrCorrupt.
	ErrProtocol = fmt.Errorf("its monitor violated the protocol: %w", urpc.ErrCorrupt)
	// errGivenUp is the answer to a request that was given up.
	errGivenUp = errors.New("given up")
)

// Reasons of a refusal, as told to the dialer.
var reasons = [...]error{1: ErrService, 2: ErrProfile, 3: ErrRoom, 4: errGivenUp, 5: ErrStopping}

// reasonOf is a reason's number.
func reasonOf(err error) int {
	for i, r := range reasons {
		if r == err {
			return i
		}
	}
	return 0
}
