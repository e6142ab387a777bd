package cli

import (
	"strings"
	"testing"

	"barreleye/vmm/operator"
)

// TestNamesTable: every name is a line.
func TestNamesTable(t *testing.T) {
	var b strings.Builder
	if err := namesTable(&b, &operator.MonitorReport{
		Services: []operator.Service{{Name: "words", Core: 1, Life: 2, Properties: map[string]string{"language": "en", "kind": "count"}}},
		Locks:    []operator.Lock{{Name: "door", Core: 3}},
		Barriers: []operator.Barrier{{Name: "round", Arrived: map[int]uint64{2: 7}}},
	}); err != nil {
		t.Fatal(err)
	}
	want := `KIND     NAME     CORE  KNOWN OF IT
service  "words"  1     kind=count language=en
lock     "door"   3     holds it
barrier  "round"  2     came 7 times
`
	if b.String() != want {
		t.Errorf("\n%swant\n%s", b.String(), want)
	}
}

// TestMonitorsTable: a monitor that has no state yet, or an older view, is shown as such.
func TestMonitorsTable(t *testing.T) {
	var b strings.Builder
	one := operator.MonitorReport{Core: operator.Core{Core: 0, Life: 1}, Epoch: 3, Published: 4, Members: []int{0, 2}, Joining: 2, Ready: true, Own: 1}
	two := operator.MonitorReport{Core: operator.Core{Core: 2, Life: 5}, Epoch: 4, Published: 4, Members: []int{0, 2}, Joining: 2, Waiting: 9, Channels: 3}
	if err := monitorsTable(&b, []operator.MonitorReport{one, two}); err != nil {
		t.Fatal(err)
	}
	want := `CORE  LIFE  EPOCH  MEMBERS  JOINING  STATE     OWN  OTHERS  WAITING  CHANNELS  NAMES
0     1     3      0 2      2        behind 4  1    0       0        0         0
2     5     4      0 2      2        joining   0    0       9        3         0
`
	if b.String() != want {
		t.Errorf("\n%swant\n%s", b.String(), want)
	}
}
