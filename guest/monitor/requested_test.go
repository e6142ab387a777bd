package monitor

import (
	"context"
	"sync/atomic"
	"testing"

	"barreleye/devices/region"
	"barreleye/guest/monitor/requests"
	"barreleye/urpc"
)

// pipe is a monitor's channel with a VMM.
type pipe struct{ out, in chan urpc.Message }

func (p pipe) Send(_ context.Context, m *urpc.Message) error { p.out <- *m; return nil }
func (p pipe) Recv(_ context.Context, m *urpc.Message) error { *m = <-p.in; return nil }

// TestVMMIsAnswered: requests are worked on side by side, and one that is given up has its
// context ended.
func TestVMMIsAnswered(t *testing.T) {
	vmm := pipe{make(chan urpc.Message, 8), make(chan urpc.Message, 8)}
	ended := make(chan error, 1)
	_, err := Start(Config{
		Geometry: region.Geometry{Cores: 1}, Ends: &ends{}, Shared: first(1), Hellos: new(atomic.Uint64), Request: new(uint64), Sleeper: never{},
		VMM: pipe{vmm.in, vmm.out},
		Answer: func(ctx context.Context, kind requests.Kind, arg uint64) ([]byte, error) {
			if kind == requests.CPU {
				<-ctx.Done()
				ended <- ctx.Err()
				return nil, ctx.Err()
			}
			return []byte{byte(kind), byte(arg)}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var c requests.Client
	long, m := c.Ask(requests.CPU, 1)
	vmm.out <- m
	short, m := c.Ask(requests.Heap, 7)
	vmm.out <- m
	for {
		m := <-vmm.in
		a, done, err := c.Receive(&m)
		if err != nil {
			t.Fatal(err)
		}
		if done {
			if a.ID != short || a.Err != nil || string(a.Data) != string([]byte{byte(requests.Heap), 7}) {
				t.Errorf("%+v", a)
			}
			break
		}
	}
	m, _ = c.GiveUp(long)
	vmm.out <- m
	if err := <-ended; err != context.Canceled {
		t.Errorf("the work ended with %v", err)
	}
	for c.Open() > 0 {
		m := <-vmm.in
		if a, done, err := c.Receive(&m); err != nil || done {
			t.Errorf("%+v, %v, %v", a, done, err)
		}
	}
}
