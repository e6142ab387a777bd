package operator

import (
	"context"
	"maps"
	"slices"

	"barreleye/guest/monitor/report"
	"barreleye/vmm/control"
	"barreleye/vmm/multikernel"
)

// Monitor asks what a core's monitor holds (MonitorArgs); the answer is a MonitorReport.
const Monitor = "monitor"

// MonitorArgs are the arguments of Monitor.
type MonitorArgs struct {
	Core int `json:"core"`
}

// MonitorReport is what a core's monitor holds.
type MonitorReport struct {
	Core
	Epoch     uint64    `json:"epoch"`     // of the view that it has taken
	Published uint64    `json:"published"` // of the latest view
	Members   []int     `json:"members"`
	Joining   int       `json:"joining"`  // -1: nobody
	Ready     bool      `json:"ready"`    // it holds the state
	Own       int       `json:"own"`      // operations that it coordinates
	Others    int       `json:"others"`   // of others, whose decision it waits for
	Waiting   int       `json:"waiting"`  // of its program, not begun yet
	Channels  int       `json:"channels"` // with other monitors
	Services  []Service `json:"services"`
	Locks     []Lock    `json:"locks"`
	Barriers  []Barrier `json:"barriers"`
}

// Service is something that a core offers.
type Service struct {
	Name       string            `json:"name"`
	Core       int               `json:"core"`
	Life       uint64            `json:"life"`
	Properties map[string]string `json:"properties,omitempty"`
}

// Lock is a lock that is held.
type Lock struct {
	Name string `json:"name"`
	Core int    `json:"core"`
}

// Barrier is how often cores have come to one.
type Barrier struct {
	Name    string         `json:"name"`
	Arrived map[int]uint64 `json:"arrived"` // by core
}

func (o *Operator) monitor(_ context.Context, q *control.Request) (any, error) {
	args, err := arguments[MonitorArgs](q)
	if err != nil {
		return nil, err
	}
	reply, err := o.do(multikernel.Command{Op: multikernel.OpMonitor, Core: args.Core})
	if err != nil {
		return nil, err
	}
	m, names, err := report.Parse(reply.Data)
	if err != nil {
		return nil, err
	}
	r := MonitorReport{
		Core: Core{reply.Core, reply.Life}, Epoch: m.Epoch, Published: m.Published, Members: m.Members, Joining: m.Joining, Ready: m.Ready,
		Own: m.Own, Others: m.Others, Waiting: m.Waiting, Channels: m.Channels, Services: []Service{}, Locks: []Lock{}, Barriers: []Barrier{},
	}
	for _, s := range names.Find() {
		one := Service{Name: s.Name, Core: s.Core, Life: s.Number, Properties: map[string]string{}}
		for _, p := range s.Properties {
			one.Properties[p.Key] = p.Value
		}
		r.Services = append(r.Services, one)
	}
	locks, barriers := names.Locks(), names.Barriers()
	for _, name := range slices.Sorted(maps.Keys(locks)) {
		r.Locks = append(r.Locks, Lock{name, locks[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(barriers)) {
		r.Barriers = append(r.Barriers, Barrier{name, barriers[name]})
	}
	return r, nil
}
