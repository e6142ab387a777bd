package dispatcher

import (
	"errors"
	"fmt"
	"testing"

	"barreleye/urpc"
)

func TestRequest(t *testing.T) {
	longest := "0123456789abcdef0123456789abcdef"
	for _, name := range []string{"a", longest} {
		m := &Domain{name: name, opt: Options{Share: MaxShare, Priority: MaxPriority}}
		r := beginMessage(m)
		if got, o, err := requestOf(&r); got != name || o != m.opt || err != nil {
			t.Errorf("%q, %+v, %v, want %q, %+v", got, o, err, name, m.opt)
		}
	}
	for _, bad := range []urpc.Message{{}, {Type: typeBegin, Len: 56}, {Type: typeEnd, Len: 56, Words: [7]uint64{1, 'a'}},
		{Type: typeBegin, Len: 8, Words: [7]uint64{1, 'a'}}, {Type: typeBegin, Len: 56, Words: [7]uint64{1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 'a'}}} {
		if name, o, err := requestOf(&bad); !errors.Is(err, errRequest) {
			t.Errorf("%+v: %q, %+v, %v", bad, name, o, err)
		}
	}
	for _, want := range []error{ErrDomain, ErrRunning, ErrRoom, ErrOptions, ErrFault, errors.New("own"), nil} {
		err := want
		if want != nil {
			err = fmt.Errorf("%w: why, in more words than there is room for in a message of 56 bytes", want)
		}
		m := messageOf(typeBegun, err)
		if got := errorOf(&m); want != nil && want.Error() != "own" && !errors.Is(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%v came as %v", err, got)
		}
	}
	if err := errorOf(&urpc.Message{Type: 9, Len: 56}); !errors.Is(err, errRequest) {
		t.Error(err)
	}
}

// FuzzRequest: whatever another core writes, it is a request or none.
func FuzzRequest(f *testing.F) {
	f.Add(uint16(typeBegin), uint8(56), uint64(100), uint64('a'), uint64(0))
	f.Fuzz(func(t *testing.T, kind uint16, length uint8, a, b, c uint64) {
		m := urpc.Message{Type: kind, Len: length, Words: [7]uint64{a, b, c, b, c, b, c}}
		if name, o, err := requestOf(&m); err == nil {
			again := beginMessage(&Domain{name: name, opt: o})
			if n, p, err := requestOf(&again); n != name || p != o || err != nil {
				t.Errorf("%q, %+v came back as %q, %+v, %v", name, o, n, p, err)
			}
		}
		_ = errorOf(&m)
	})
}
