package fanout

import (
	"fmt"
	"slices"

	"barreleye/urpc"
)

// Machine is one core's part in a multicast: the protocol without channels. It
// gets events and says what to do; it neither waits nor keeps time.
//
// Its rules: a request is passed on to all living children, then answered by this
// core itself; when all parts are there, their fold goes to the parent. When a
// child is gone, its children become this core's, and get every request again
// that the child had not answered. When the parent is gone, the next living core
// above it is. A core takes part in an operation once: asked again by another
// parent, it repeats its answer, which it keeps for Window operations. Who
// violates the protocol but lives is given up with all that lie below it: they
// still listen to it.
type Machine struct {
	tree     *Tree
	self     int
	fold     Fold
	parent   int             // nobody at the root, or when all above are gone
	children []int           // living ones, those taken over included
	ops      [Window]opState // by number
	next     uint64          // number of the next new operation
	finished uint64          // root: number of the next operation to hand out
	unnamed  []int           // cores lost that no operation has named yet
	named    []bool          // root: cores that were handed out as lost
}

// opState is one operation at one core.
type opState struct {
	number  uint64
	known   bool // number is valid
	asked   bool // the present parent wants the answer
	own     bool // this core's own part is missing
	waits   []int
	request urpc.Message
	total   total
	lost    []int
}

func (o *opState) is(number uint64) bool { return o.known && o.number == number }
func (o *opState) done() bool            { return !o.own && len(o.waits) == 0 }

// NewMachine makes core self's part. It fails with ErrTree if the core has none.
func NewMachine(tree *Tree, self int, fold Fold) (*Machine, error) {
	if !tree.has(self) {
		return nil, fmt.Errorf("fanout: core %d: it has no part: %w: give it one or leave it out", self, ErrTree)
	}
	m := &Machine{tree: tree, self: self, fold: fold, parent: tree.parent[self], children: slices.Clone(tree.children[self])}
	if m.isRoot() {
		m.named = make([]bool, len(tree.parent))
	}
	return m, nil
}

func (m *Machine) isRoot() bool { return m.self == m.tree.root }

// Peers appends the cores whose messages this one takes.
func (m *Machine) Peers(list []int) []int {
	if m.parent != nobody {
		list = append(list, m.parent)
	}
	return append(list, m.children...)
}

// Awaited returns a child whose part the oldest operation of the root lacks.
func (m *Machine) Awaited() (child int, ok bool) {
	if o := &m.ops[m.finished%Window]; o.is(m.finished) && len(o.waits) > 0 {
		return o.waits[0], true
	}
	return 0, false
}

// Step takes an event and appends what to do to list. It allocates only where
// cores are lost, once its lists have grown.
func (m *Machine) Step(e *Event, list []Action) []Action {
	switch e.Kind {
	case EventStart:
		return m.begin(m.next, &e.Message, list)
	case EventAnswer:
		o := &m.ops[e.Op%Window]
		if !o.is(e.Op) || !o.own {
			return list // too late: the operation is forgotten
		}
		o.own = false
		o.total.add(m.fold, &e.Message)
		return m.settle(o, list)
	case EventGone:
		return m.gone(e.From, true, list)
	case EventBroken:
		return m.violated(e.From, e.Err, list)
	case EventEnd:
		return m.end(list)
	}
	from, p := e.From, &e.Packet
	if from == m.parent && m.parent != nobody {
		return m.fromParent(p, list)
	}
	if !slices.Contains(m.children, from) {
		return list // ignored from an earlier violation on
	}
	return m.fromChild(from, p, list)
}

// fromParent takes a request.
func (m *Machine) fromParent(p *Packet, list []Action) []Action {
	switch p.Kind {
	case KindEnd:
		return m.end(list)
	case KindRequest:
	default:
		return m.violated(m.parent, fmt.Errorf("kind %d from above: %w", p.Kind, urpc.ErrCorrupt), list)
	}
	o := &m.ops[p.Op%Window]
	if !o.is(p.Op) {
		return m.begin(p.Op, &p.Message, list)
	}
	if o.asked {
		return m.violated(m.parent, fmt.Errorf("operation %d again: %w", p.Op, urpc.ErrCorrupt), list)
	}
	o.asked = true
	if o.done() {
		return m.reply(o, list)
	}
	return list
}

// begin starts an operation at this core.
func (m *Machine) begin(number uint64, request *urpc.Message, list []Action) []Action {
	m.next = max(m.next, number+1)
	o := &m.ops[number%Window]
	*o = opState{
		number: number, known: true, asked: true, own: !m.isRoot(), request: *request,
		waits: append(o.waits[:0], m.children...), lost: append(o.lost[:0], m.unnamed...),
	}
	m.unnamed = m.unnamed[:0]
	for _, c := range m.children {
		list = append(list, requestTo(c, o))
	}
	if o.own {
		return append(list, Action{Kind: ActAnswer, Op: number, Message: *request})
	}
	return m.settle(o, list)
}

func requestTo(child int, o *opState) Action {
	return Action{Kind: ActSend, To: child, Packet: Packet{Kind: KindRequest, Op: o.number, Message: o.request}}
}

// fromChild takes a part, or the names of cores without one.
func (m *Machine) fromChild(from int, p *Packet, list []Action) []Action {
	o := &m.ops[p.Op%Window]
	at := slices.Index(o.waits, from)
	if !o.is(p.Op) || at < 0 {
		return m.violated(from, fmt.Errorf("part of operation %d unasked: %w", p.Op, urpc.ErrCorrupt), list)
	}
	switch p.Kind {
	case KindReply:
		o.waits = slices.Delete(o.waits, at, at+1)
		o.total.add(m.fold, &p.Message)
		return m.settle(o, list)
	case KindLost:
		for i := range p.lostCores() {
			c := p.lostCore(i)
			if !m.tree.below(c, from) {
				return m.violated(from, fmt.Errorf("core %d is not below: %w", c, urpc.ErrCorrupt), list)
			}
			o.lose(c)
		}
		return list
	}
	return m.violated(from, fmt.Errorf("kind %d from below: %w", p.Kind, urpc.ErrCorrupt), list)
}

func (o *opState) lose(core int) {
	if !slices.Contains(o.lost, core) {
		o.lost = append(o.lost, core)
	}
}

// settle hands an operation on that has all its parts.
func (m *Machine) settle(o *opState, list []Action) []Action {
	switch {
	case !o.done():
		return list
	case m.isRoot():
		return m.results(list)
	case o.asked:
		return m.reply(o, list)
	}
	return list // the new parent will ask, if it wants it
}

// reply sends an operation's outcome to the parent.
func (m *Machine) reply(o *opState, list []Action) []Action {
	for cores := o.lost; len(cores) > 0; {
		n := min(len(cores), coresPerMsg)
		list = append(list, Action{Kind: ActSend, To: m.parent, Packet: lostPacket(o.number, cores[:n])})
		cores = cores[n:]
	}
	return append(list, Action{Kind: ActSend, To: m.parent,
		Packet: Packet{Kind: KindReply, Op: o.number, Message: o.total.message}})
}

// results hands out the root's operations that have ended, in their order. Each
// lost core is named once.
func (m *Machine) results(list []Action) []Action {
	for o := &m.ops[m.finished%Window]; o.is(m.finished) && o.done(); o = &m.ops[m.finished%Window] {
		var lost []int
		for _, c := range o.lost {
			if !m.named[c] {
				m.named[c] = true
				lost = append(lost, c)
			}
		}
		slices.Sort(lost)
		list = append(list, Action{Kind: ActResult, Op: o.number, Message: o.total.message, Lost: lost})
		m.finished++
	}
	return list
}
