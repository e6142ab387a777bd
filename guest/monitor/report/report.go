// Package report is what a monitor says of itself when the VMM asks (package requests): its
// view, what is under way, and its replica of the names.
package report

import (
	"encoding/binary"
	"errors"

	"barreleye/guest/monitor/names"
	"barreleye/guest/monitor/numbers"
)

// Monitor is the report of one core.
type Monitor struct {
	Core      int
	Epoch     uint64 // of the view that it has taken
	Published uint64 // of the VMM's view of that moment
	Members   []int
	Joining   int    // -1: nobody
	Ready     bool   // it holds the state
	Own       int    // operations that it coordinates
	Others    int    // of others, in which it waits for their decision
	Waiting   int    // of its program, that wait to be begun
	Channels  int    // with other monitors
	Names     []byte // the replica (names.Registry.Save)
}

// Append appends the report to b.
func (m *Monitor) Append(b []byte) []byte {
	for _, n := range []uint64{uint64(m.Core), m.Epoch, m.Published, uint64(m.Joining + 1), bit(m.Ready), uint64(m.Own), uint64(m.Others), uint64(m.Waiting), uint64(m.Channels), uint64(len(m.Members))} {
		b = binary.AppendUvarint(b, n)
	}
	for _, c := range m.Members {
		b = binary.AppendUvarint(b, uint64(c))
	}
	return append(b, m.Names...)
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

var errReport = errors.New("monitor: its report ends in the middle, or has numbers that cannot be: rebuild its image")

// most bounds numbers in a report: cores are fewer.
const most = 1 << 20

// Parse reads a report, and the names in it. It trusts nothing of it.
func Parse(b []byte) (m Monitor, r *names.Registry, err error) {
	in := numbers.Reader{Rest: b}
	number := in.Below
	m.Core, m.Epoch, m.Published = int(number(most)), number(1<<63), number(1<<63)
	m.Joining, m.Ready = int(number(most))-1, number(2) == 1
	m.Own, m.Others, m.Waiting = int(number(most)), int(number(most)), int(number(1<<31))
	m.Channels = int(number(most))
	for n := number(most); n > 0 && !in.Bad; n-- {
		m.Members = append(m.Members, int(number(most)))
	}
	if in.Bad {
		return Monitor{}, nil, errReport
	}
	m.Names, r = in.Rest, names.New()
	if err := r.Load(in.Rest); err != nil {
		return Monitor{}, nil, err
	}
	return m, r, nil
}
