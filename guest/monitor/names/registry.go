package names

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/numbers"
)

// Service is something that a core offers.
type Service struct {
	Name       string
	Core       int
	Number     uint64
	Properties []Property // sorted by key
}

// Event is what happened to a name.
type Event uint8

// Events.
const (
	Exported  Event = 1 + iota
	Withdrawn       // by its core, or because that died
	Locked
	Unlocked  // by its holder, or because that died
	Published // Text on a topic
	Arrived   // at a barrier
)

// Change is one event, in the order in which this core's replica saw them. Other
// cores may see those of different names in another order.
type Change struct {
	Event Event
	Name  string
	Core  int // whose it is or was
	Text  string
}

// Registry is one core's replica. It implements agreement.State.
type Registry struct {
	services map[string]Service
	locks    map[string]int
	barriers map[string]map[int]uint64 // how often each core has arrived

	prepared []subject // conflicts are kept out
	changes  []Change
	told     []Change // what Changes returned last

	op  agreement.Op // asked about last: what was prepared is mostly committed next
	its operation
}

// subject is what an operation may be in conflict about.
type subject struct {
	lock bool
	name string
}

// New returns the replica of a multikernel in which nothing has a name.
func New() *Registry {
	return &Registry{
		services: map[string]Service{}, locks: map[string]int{}, barriers: map[string]map[int]uint64{},
	}
}

// Lookup returns the service of a name.
func (r *Registry) Lookup(name string) (Service, bool) {
	s, ok := r.services[name]
	return s, ok
}

// Find returns the services that have all the given properties, by name.
func (r *Registry) Find(want ...Property) (list []Service) {
	for _, name := range slices.Sorted(maps.Keys(r.services)) {
		s := r.services[name]
		if !slices.ContainsFunc(want, func(p Property) bool { return !slices.Contains(s.Properties, p) }) {
			list = append(list, s)
		}
	}
	return list
}

// Holder returns the core that holds a lock.
func (r *Registry) Holder(lock string) (core int, held bool) {
	core, held = r.locks[lock]
	return core, held
}

// Arrivals returns how often a core has come to a barrier in its life.
func (r *Registry) Arrivals(barrier string, core int) uint64 { return r.barriers[barrier][core] }

// Locks returns who holds which lock.
func (r *Registry) Locks() map[string]int { return maps.Clone(r.locks) }

// Barriers returns how often each core has come to each barrier.
func (r *Registry) Barriers() map[string]map[int]uint64 {
	all := map[string]map[int]uint64{}
	for name, b := range r.barriers {
		all[name] = maps.Clone(b)
	}
	return all
}

// Changes returns what happened since it was called last. The list is good until the next call.
func (r *Registry) Changes() []Change {
	r.changes, r.told = r.told[:0], r.changes
	return r.told
}

func (r *Registry) tell(e Event, name string, core int, text string) {
	r.changes = append(r.changes, Change{e, name, core, text})
}

// about is what an operation may be in conflict about.
func (o *operation) about() subject {
	return subject{o.kind == opLock || o.kind == opUnlock, o.name}
}

// allows reports whether an operation fits what there is.
func (r *Registry) allows(o *operation) bool {
	switch o.kind {
	case opExport:
		_, taken := r.services[o.name]
		return !taken
	case opWithdraw:
		s, taken := r.services[o.name]
		return taken && s.Core == o.core
	case opLock:
		_, held := r.locks[o.name]
		return !held
	case opUnlock:
		holder, held := r.locks[o.name]
		return held && holder == o.core
	}
	return false
}

// read takes an operation apart.
func (r *Registry) read(op agreement.Op) (o *operation, ok bool) {
	if op == "" || op != r.op {
		o, ok := decode(op)
		if !ok {
			return &operation{}, false
		}
		r.op, r.its = op, o
	}
	return &r.its, true
}

// Prepare implements agreement.State.
func (r *Registry) Prepare(op agreement.Op) bool {
	o, ok := r.read(op)
	if !ok || !r.allows(o) || slices.Contains(r.prepared, o.about()) {
		return false
	}
	r.prepared = append(r.prepared, o.about())
	return true
}

// free says that an operation is prepared no more.
func (r *Registry) free(o *operation) {
	if i := slices.Index(r.prepared, o.about()); i >= 0 {
		r.prepared = slices.Delete(r.prepared, i, i+1)
	}
}

// Commit implements agreement.State.
func (r *Registry) Commit(op agreement.Op, prepared bool) {
	o, _ := r.read(op)
	if prepared {
		r.free(o)
	}
	switch o.kind {
	case opExport:
		r.services[o.name] = Service{o.name, o.core, o.number, sorted(o.properties)}
		r.tell(Exported, o.name, o.core, "")
	case opWithdraw:
		delete(r.services, o.name)
		r.tell(Withdrawn, o.name, o.core, "")
	case opLock:
		r.locks[o.name] = o.core
		r.tell(Locked, o.name, o.core, "")
	case opUnlock:
		delete(r.locks, o.name)
		r.tell(Unlocked, o.name, o.core, "")
	}
}

// Abort implements agreement.State.
func (r *Registry) Abort(op agreement.Op) {
	o, _ := r.read(op)
	r.free(o)
}

// Apply implements agreement.State.
func (r *Registry) Apply(op agreement.Op) {
	switch o, _ := r.read(op); o.kind {
	case opPublish:
		r.tell(Published, o.name, o.core, o.text)
	case opArrive:
		b := r.barriers[o.name]
		if b == nil {
			b = map[int]uint64{}
			r.barriers[o.name] = b
		}
		b[o.core] = max(b[o.core], o.number) // a core's own may overtake each other
		r.tell(Arrived, o.name, o.core, "")
	}
}

// Gone implements agreement.State.
func (r *Registry) Gone(core int) {
	for _, name := range slices.Sorted(maps.Keys(r.services)) {
		if r.services[name].Core == core {
			delete(r.services, name)
			r.tell(Withdrawn, name, core, "")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.locks)) {
		if r.locks[name] == core {
			delete(r.locks, name)
			r.tell(Unlocked, name, core, "")
		}
	}
	for name, b := range r.barriers {
		if delete(b, core); len(b) == 0 {
			delete(r.barriers, name)
		}
	}
}

// Save implements agreement.State.
func (r *Registry) Save(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(r.services)))
	for _, name := range slices.Sorted(maps.Keys(r.services)) {
		s := r.services[name]
		b = binary.AppendUvarint(numbers.AppendText(b, name), uint64(s.Core))
		b = binary.AppendUvarint(b, s.Number)
		b = binary.AppendUvarint(b, uint64(len(s.Properties)))
		for _, p := range s.Properties {
			b = numbers.AppendText(numbers.AppendText(b, p.Key), p.Value)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(r.locks)))
	for _, name := range slices.Sorted(maps.Keys(r.locks)) {
		b = binary.AppendUvarint(numbers.AppendText(b, name), uint64(r.locks[name]))
	}
	b = binary.AppendUvarint(b, uint64(len(r.barriers)))
	for _, name := range slices.Sorted(maps.Keys(r.barriers)) {
		arrived := r.barriers[name]
		b = binary.AppendUvarint(numbers.AppendText(b, name), uint64(len(arrived)))
		for _, core := range slices.Sorted(maps.Keys(arrived)) {
			b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(core)), arrived[core])
		}
	}
	return b
}

// Load implements agreement.State.
func (r *Registry) Load(b []byte) error {
	d := numbers.Text{Rest: string(b)}
	n := New()
	for i := d.Number(); i > 0 && !d.Bad; i-- {
		s := Service{Name: d.Text(), Core: int(d.Number()), Number: d.Number()}
		for j := d.Number(); j > 0 && !d.Bad; j-- {
			s.Properties = append(s.Properties, Property{d.Text(), d.Text()})
		}
		n.services[s.Name] = s
	}
	for i := d.Number(); i > 0 && !d.Bad; i-- {
		name := d.Text()
		n.locks[name] = int(d.Number())
	}
	for i := d.Number(); i > 0 && !d.Bad; i-- {
		name, arrived := d.Text(), map[int]uint64{}
		for j := d.Number(); j > 0 && !d.Bad; j-- {
			arrived[int(d.Number())] = d.Number()
		}
		n.barriers[name] = arrived
	}
	if d.Bad || d.Rest != "" {
		return errors.New("names: state of a sponsor: it ends in the middle, or goes on behind its end: the cores run different versions")
	}
	r.services, r.locks, r.barriers = n.services, n.locks, n.barriers
	return nil
}
