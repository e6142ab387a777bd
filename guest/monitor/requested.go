package monitor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"barreleye/guest/monitor/requests"
	"barreleye/urpc"
)

// requested wires the protocol of package requests to the channel with the VMM. Requests
// are worked on side by side; one goroutine at a time sends what there is to answer.
type requested struct {
	ch     VMMChannel
	answer func(ctx context.Context, kind requests.Kind, arg uint64) ([]byte, error)

	mu      sync.Mutex
	machine requests.Server
	giveUp  map[uint64]context.CancelFunc // by request that is worked on
	sending bool
}

// hear takes what the VMM asks until the core ends.
func (r *requested) hear(core int) {
	var m urpc.Message
	for {
		if err := r.ch.Recv(context.Background(), &m); err != nil {
			if !errors.Is(err, urpc.ErrClosed) {
				fmt.Fprintf(os.Stderr, "monitor: core %d: requests of the VMM: %v\n", core, err)
			}
			return
		}
		if err := r.receive(&m); err != nil {
			fmt.Fprintf(os.Stderr, "monitor: core %d: requests of the VMM: %v: none is answered any more\n", core, err)
			return
		}
	}
}

func (r *requested) receive(m *urpc.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, act, err := r.machine.Receive(m)
	switch {
	case err != nil:
		return err
	case act && a.GiveUp:
		r.giveUp[a.ID]()
	case act:
		ctx, cancel := context.WithCancel(context.Background())
		r.giveUp[a.ID] = cancel
		go r.work(ctx, a)
	}
	r.send()
	return nil
}

// work answers a request.
func (r *requested) work(ctx context.Context, a requests.Action) {
	data, err := r.answer(ctx, a.Kind, a.Arg)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.giveUp[a.ID]()
	delete(r.giveUp, a.ID)
	r.machine.Answer(a.ID, data, err)
	r.send()
}

// send has what there is sent, with mu held.
func (r *requested) send() {
	if !r.sending {
		r.sending = true
		go r.empty()
	}
}

// empty sends until nothing is left, or nobody wants it any more.
func (r *requested) empty() {
	for {
		r.mu.Lock()
		m, ok := r.machine.Next()
		r.sending = ok
		r.mu.Unlock()
		if !ok || r.ch.Send(context.Background(), &m) != nil {
			return
		}
	}
}
