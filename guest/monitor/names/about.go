package names

import "barreleye/guest/monitor/agreement"

// about is what is known of a name. It is there while that is something, and while it was
// asked about lately.
type about struct {
	name    string
	service Service
	offered bool // service is
	holder  int
	locked  bool // by holder

	prepared [2]bool // an operation on the service is, one on the lock: others are kept out
	readings int     // that are about it
}

// nothing reports whether nothing is known.
func (a *about) nothing() bool { return !a.offered && !a.locked && a.prepared == [2]bool{} }

// reading is an operation taken apart. Those of two phases are about a name.
type reading struct {
	op agreement.Op
	operation
	about *about
}

// lately is how many readings are kept: what is prepared is mostly committed soon, and a lock
// that was taken and given back is taken again.
const (
	latelyBits = 5
	lately     = 1 << latelyBits
)

// place is where the reading of an operation is kept.
func place(op agreement.Op) int { return int(hash(string(op)) >> (64 - latelyBits)) }

// read takes an operation apart; nil where no encode made it. The reading is good until the
// next one.
func (r *Registry) read(op agreement.Op) *reading {
	o := &r.lately[place(op)]
	if o.op == op && op != "" {
		return o
	}
	its, ok := decode(op)
	if !ok {
		return nil
	}
	before := o.about
	*o = reading{op: op, operation: its}
	if TwoPhases(op) {
		o.about = r.about(its.name)
		o.about.readings++
	}
	if before != nil {
		before.readings--
		r.clear(before)
	}
	return o
}

// about returns what is known of a name.
func (r *Registry) about(name string) *about {
	a := r.names[name]
	if a == nil {
		a = &about{name: name}
		r.names[name] = a
	}
	return a
}

// clear forgets a name of which nothing is known, and that nobody asks about.
func (r *Registry) clear(a *about) {
	if a.readings == 0 && a.nothing() {
		delete(r.names, a.name)
	}
}
