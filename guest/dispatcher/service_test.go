package dispatcher

import (
	"context"
	"errors"
	"strings"
	"testing"

	"barreleye/urpc/rpc"
)

// doubler is a service of one method, which doubles its arguments.
type doubler struct{ inside int }

func (*doubler) Methods() []rpc.Method { return []rpc.Method{{Name: "Doubler.Double", Number: 1}} }

func (s *doubler) Serve(_ context.Context, _ uint16, args, out []byte) ([]byte, error) {
	s.inside++ // one at a time: the race detector looks
	if len(args) == 0 {
		return nil, errors.New("nothing to double")
	}
	return append(append(out, args...), args...), nil
}

func double(t testing.TB, c *rpc.Conn, text string) (string, error) {
	k, err := c.Begin(t.Context())
	if err != nil {
		return "", err
	}
	got, err := k.Do(t.Context(), 1, append(k.Buffer(), text...))
	if err != nil {
		return "", err
	}
	defer k.End()
	return string(got), nil
}

func TestServe(t *testing.T) {
	m := begun(t, func(d *Dispatcher) error {
		d.Serve("double", &doubler{})
		d.Handle("sum", sum)
		return nil
	})
	c, err := m.Client("double")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 4 {
		go func() {
			for range 100 {
				if got, err := double(t, c, "ab"); err != nil || got != "abab" {
					done <- errors.Join(err, errors.New(got))
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, err := double(t, c, ""); err == nil || !strings.Contains(err.Error(), "nothing to double") {
		t.Errorf("the method's error came as %v", err)
	}
	for _, name := range []string{"sum", "none"} {
		if _, err := m.Client(name); !errors.Is(err, ErrEntry) {
			t.Errorf("client of %q: %v", name, err)
		}
	}
	m.Stop()
	ended(t, m)
	if _, err := double(t, c, "a"); err == nil || !strings.Contains(err.Error(), ErrEnded.Error()) {
		t.Errorf("call of an ended dispatcher: %v", err)
	}
}

func TestServeAllocatesNothing(t *testing.T) {
	m := begun(t, func(d *Dispatcher) error {
		d.Serve("double", &doubler{})
		return nil
	})
	c, err := m.Client("double")
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		k, _ := c.Begin(context.Background())
		if _, err := k.Do(context.Background(), 1, append(k.Buffer(), "ab"...)); err == nil {
			k.End()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
