package names

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strings"

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
	names    map[string]*about
	barriers map[string]map[int]uint64 // how often each core has arrived

	changes []Change
	told    []Change // what Changes returned last

	lately [lately]reading // by place
}

// New returns the replica of a multikernel in which nothing has a name.
func New() *Registry {
	return &Registry{names: map[string]*about{}, barriers: map[string]map[int]uint64{}}
}

// Lookup returns the service of a name.
func (r *Registry) Lookup(name string) (Service, bool) {
	if a := r.names[name]; a != nil && a.offered {
		return a.service, true
	}
	return Service{}, false
}

// sorted returns what is known of the names of which is reports true, by name.
func (r *Registry) sorted(is func(*about) bool) (list []*about) {
	for _, a := range r.names {
		if is(a) {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *about) int { return strings.Compare(a.name, b.name) })
	return list
}

func (r *Registry) services() []*about { return r.sorted(func(a *about) bool { return a.offered }) }
func (r *Registry) locks() []*about    { return r.sorted(func(a *about) bool { return a.locked }) }

// Find returns the services that have all the given properties, by name.
func (r *Registry) Find(want ...Property) (list []Service) {
	for _, a := range r.services() {
		if !slices.ContainsFunc(want, func(p Property) bool { return !slices.Contains(a.service.Properties, p) }) {
			list = append(list, a.service)
		}
	}
	return list
}

// Holder returns the core that holds a lock.
func (r *Registry) Holder(lock string) (core int, held bool) {
	if a := r.names[lock]; a != nil && a.locked {
		return a.holder, true
	}
	return 0, false
}

// Arrivals returns how often a core has come to a barrier in its life.
func (r *Registry) Arrivals(barrier string, core int) uint64 { return r.barriers[barrier][core] }

// Locks returns who holds which lock.
func (r *Registry) Locks() map[string]int {
	all := map[string]int{}
	for _, a := range r.locks() {
		all[a.name] = a.holder
	}
	return all
}

// Barriers returns how often each core has come to each barrier.
func (r *Registry) Barriers() map[string]map[int]uint64 {
	all := map[string]map[int]uint64{}
	for name, b := range r.barriers {
		all[name] = maps.Clone(b)
	}
	return all
}

// Changed reports whether Changes has something to return.
func (r *Registry) Changed() bool { return len(r.changes) > 0 }

// Changes returns what happened since it was called last. The list is good until the next call.
func (r *Registry) Changes() []Change {
	r.changes, r.told = r.told[:0], r.changes
	return r.told
}

func (r *Registry) tell(e Event, name string, core int, text string) {
	n := len(r.changes)
	r.changes = slices.Grow(r.changes, 1)[:n+1]
	c := &r.changes[n]
	c.Event, c.Name, c.Core, c.Text = e, name, core, text
}

// allowed reports whether an operation fits what there is.
func (o *reading) allowed() bool {
	a := o.about
	switch o.kind {
	case opExport:
		return !a.offered
	case opWithdraw:
		return a.offered && a.service.Core == o.core
	case opLock:
		return !a.locked
	case opUnlock:
		return a.locked && a.holder == o.core
	}
	return false
}

// conflict is whether an operation with which this one is in conflict is prepared.
func (o *reading) conflict() *bool {
	if o.kind == opLock || o.kind == opUnlock {
		return &o.about.prepared[1]
	}
	return &o.about.prepared[0]
}

// Prepare implements agreement.State.
func (r *Registry) Prepare(op agreement.Op) bool {
	o := r.read(op)
	if o == nil || o.about == nil || !o.allowed() || *o.conflict() {
		return false
	}
	*o.conflict() = true
	return true
}

// Commit implements agreement.State.
func (r *Registry) Commit(op agreement.Op, prepared bool) {
	o := r.read(op)
	if o == nil || o.about == nil {
		return
	}
	if prepared {
		*o.conflict() = false
	}
	a := o.about
	switch o.kind {
	case opExport:
		a.offered, a.service = true, Service{a.name, o.core, o.number, sorted(o.properties)}
		r.tell(Exported, a.name, o.core, "")
	case opWithdraw:
		a.offered, a.service = false, Service{}
		r.tell(Withdrawn, a.name, o.core, "")
	case opLock:
		a.locked, a.holder = true, o.core
		r.tell(Locked, a.name, o.core, "")
	case opUnlock:
		a.locked = false
		r.tell(Unlocked, a.name, o.core, "")
	}
}

// Late implements agreement.State.
func (r *Registry) Late(agreement.Op, bool) bool { return true }

// Abort implements agreement.State.
func (r *Registry) Abort(op agreement.Op) {
	if o := r.read(op); o != nil && o.about != nil {
		*o.conflict() = false
	}
}

// Apply implements agreement.State.
func (r *Registry) Apply(op agreement.Op) {
	o := r.read(op)
	if o == nil {
		return
	}
	switch o.kind {
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
	for _, a := range r.services() {
		if a.service.Core == core {
			a.offered, a.service = false, Service{}
			r.tell(Withdrawn, a.name, core, "")
			r.clear(a)
		}
	}
	for _, a := range r.locks() {
		if a.holder == core {
			a.locked = false
			r.tell(Unlocked, a.name, core, "")
			r.clear(a)
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
	services, locks := r.services(), r.locks()
	b = binary.AppendUvarint(b, uint64(len(services)))
	for _, a := range services {
		s := &a.service
		b = binary.AppendUvarint(numbers.AppendText(b, a.name), uint64(s.Core))
		b = binary.AppendUvarint(b, s.Number)
		b = binary.AppendUvarint(b, uint64(len(s.Properties)))
		for _, p := range s.Properties {
			b = numbers.AppendText(numbers.AppendText(b, p.Key), p.Value)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(locks)))
	for _, a := range locks {
		b = binary.AppendUvarint(numbers.AppendText(b, a.name), uint64(a.holder))
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
		a := n.about(s.Name)
		a.offered, a.service = true, s
	}
	for i := d.Number(); i > 0 && !d.Bad; i-- {
		a := n.about(d.Text())
		a.locked, a.holder = true, int(d.Number())
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
	for _, a := range r.names {
		if a.prepared != [2]bool{} {
			n.about(a.name).prepared = a.prepared
		}
	}
	r.names, r.barriers, r.lately = n.names, n.barriers, n.lately
	return nil
}
