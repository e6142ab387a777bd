package bind

import (
	"errors"
	"testing"

	"barreleye/devices/region"
	"barreleye/urpc"
)

// TestRefuse: a line says for which service it asks, and whoever decides by that may have it
// refused though somebody listens.
func TestRefuse(t *testing.T) {
	client, server := New(geometry), New(geometry)
	if _, err := server.Listen("a", region.ProfileLatency); err != nil {
		t.Fatal(err)
	}
	under := func(m *Machine, peer int) (dialing, open bool) {
		return m.Any(peer, func(e *region.Entry, open bool) bool { return !open && e.PeerLines == 64 }),
			m.Any(peer, func(_ *region.Entry, open bool) bool { return open })
	}
	// dial returns what the server says, and how the dial ends.
	dial := func(wait bool, take func(int, *urpc.Message) ([]Action, error)) (said []Action, err error) {
		t.Helper()
		_, actions, err := client.Dial(1, Request{Service: "a", Lines: 16, PeerLines: 64, Wait: wait})
		if err != nil {
			t.Fatal(err)
		}
		if dialing, open := under(client, 1); !dialing || open {
			t.Errorf("a dial is under way: %v, open %v", dialing, open)
		}
		line := &actions[len(actions)-1].Line
		if got := Requested(line); got != "a" {
			t.Errorf("asks for %q", got)
		}
		if said, err = take(0, line); err != nil {
			t.Fatal(err)
		}
		err = errors.New("no end")
		for i := range said {
			if said[i].Kind != ActSend {
				continue
			}
			if got := Requested(&said[i].Line); got != "" {
				t.Errorf("an answer asks for %q", got)
			}
			actions, e := client.Receive(1, &said[i].Line)
			if e != nil {
				t.Fatal(e)
			}
			for _, a := range actions {
				if a.Kind == ActDialed {
					err = a.Err
				}
			}
		}
		return said, err
	}
	for _, wait := range []bool{false, true} {
		if said, err := dial(wait, server.Refuse); !errors.Is(err, ErrService) || len(said) != 1 {
			t.Errorf("refused, wait %v: %v, the server does %+v", wait, err, said)
		}
		if dialing, open := under(server, 0); dialing || open {
			t.Errorf("what was refused is under way: %v, open %v", dialing, open)
		}
	}
	if _, err := dial(false, server.Receive); err != nil {
		t.Errorf("refused, and then not: %v", err)
	}
	for peer, m := range []*Machine{server, client} {
		if dialing, open := under(m, peer); dialing || !open {
			t.Errorf("towards core %d: dialing %v, open %v", peer, dialing, open)
		}
		if _, open := under(m, 1-peer); open {
			t.Errorf("a channel with core %d", 1-peer)
		}
	}
	if l := (urpc.Message{Type: 5}); Requested(&l) != "" {
		t.Error("another type asks for something")
	}
}
