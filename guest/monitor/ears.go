package monitor

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"barreleye/guest/monitor/bind"
	"barreleye/urpc"
)

// Who takes lines off the channels of the other monitors. Anybody may, of all channels,
// who holds the monitor's lock; the question is who looks while nothing comes. Each
// peer has a goroutine (hear) that sleeps on its channel's memory. Once that has taken
// something it looks on for about as long as a sleep would cost, because little comes
// alone: after the vote the decision. A goroutine of the program that waits for an
// operation does the same until it has ended (await), while those of the peers sleep. So
// neither side of an operation pays for a switch of goroutines, and an idle core nothing.
//
// Where cores share CPUs nobody looks without need: what is to be heard wants the CPU. Nor
// does a peer's goroutine where others compute on this core: while it sleeps, the core is
// interrupted for what comes (docs/explanation/busy.md), and while it looks it lets nobody
// run in between, who might keep the core for long.

const (
	tellPolls   = 64                    // polls of a channel before peers are woken, as in urpc
	yieldPolls  = 256                   // polls between two chances for other goroutines of the core
	takeAtOnce  = 64                    // lines taken of a peer before the others'
	longest     = 1024                  // rounds of polls in a row
	longestHere = 64                    // of who lets nobody run in between: others sleep on other memory
	slice       = time.Millisecond      // a goroutine that kept the core for so long computes
	busyFor     = 20 * time.Millisecond // then one does for a while
)

// ears hears all peers.
type ears struct {
	m        *Monitor
	polls    func() int  // how often to look while nothing comes; 0: this core shares its CPU
	computes func() bool // others of this core do

	mu   *sync.Mutex // the monitor's, held by whoever calls this, but hear
	list []*ear
	in   urpc.Message
	busy time.Time // until then others compute on this core, as far as met

	waiting int  // goroutines that look for the end of something
	untold  bool // an outbox has lines of which its peer was not told
}

// ear hears one life of a peer.
type ear struct {
	peer    int
	life    uint64
	ch      Receiver
	out     *outbox
	greeted bool
	agreed  hearing
	err     error // why it hears no more
}

func newEars(m *Monitor, polls func() int, computes func() bool) *ears {
	return &ears{m: m, mu: &m.mu, polls: polls, computes: computes}
}

// add has one more heard.
func (e *ears) add(o *ear) { e.list = append(e.list, o) }

// drop ends that. Afterwards nobody uses its channel's receiving end.
func (e *ears) drop(o *ear) {
	e.list = slices.DeleteFunc(e.list, func(x *ear) bool { return x == o })
}

// take takes what is there of all, most lines of each, and returns how many.
func (e *ears) take(most int) (n int) {
	for _, o := range e.list {
		n += e.takeOf(o, most)
	}
	return n
}

func (e *ears) takeOf(o *ear, most int) (n int) {
	for o.err == nil && n < most && !o.out.crowded() {
		err := o.ch.TryRecv(&e.in)
		if err == urpc.ErrEmpty {
			return n
		}
		if err == nil {
			n++
			if o.greeted && e.in.Type != bind.MessageType { // as mostly
				o.agreed.take(&e.in)
				continue
			}
			err = e.m.heard(o, &e.in)
		}
		if err != nil {
			o.err = err
		}
	}
	return n
}

// heard does what a line asks for that is not about agreement.
func (m *Monitor) heard(o *ear, l *urpc.Message) error {
	if o.greeted {
		m.channels.receive(m.cfg.Core, o.peer, l)
		return nil
	}
	if err := m.checkHello(o.peer, o.life, l); err != nil {
		return err
	}
	o.greeted = true
	m.members.heard(o.peer)
	return nil
}

// look takes what comes until done reports true; or nothing comes for long; or others want
// the core.
func (e *ears) look(done func() bool) {
	polls := e.polls()
	if polls <= 0 || e.met() {
		return
	}
	for quiet, round := 0, 0; quiet < polls && round < longest; round++ {
		if quiet = e.round(quiet, done); quiet < 0 || !e.yield() {
			return
		}
	}
}

// linger takes what comes until nothing does for long. Nobody sleeps on the channel of who
// calls it.
func (e *ears) linger() {
	polls := e.polls()
	for quiet, round := 0, 0; quiet < polls && round < longestHere && !e.computes(); round++ {
		quiet = e.round(quiet, nil)
		e.mu.Unlock() // who waits for it on another thread may go on
		e.mu.Lock()
	}
}

// round looks for some time, and returns how many polls in a row have found
// nothing, -1 once done reports true.
func (e *ears) round(quiet int, done func() bool) int {
	most := takeAtOnce
	if done != nil {
		most = 1 // it may be the last one
	}
	for polled := 0; polled < yieldPolls; {
		taken := e.take(most)
		if done != nil && done() {
			return -1
		}
		if taken > 0 {
			quiet = 0
			polled++
			continue
		}
		n := e.poll()
		if quiet < tellPolls && quiet+n >= tellPolls {
			e.tell()
		}
		quiet += n
		polled += n
	}
	return quiet
}

// poll waits a little for a line, and returns how many polls it was.
func (e *ears) poll() int {
	if len(e.list) == 1 {
		return e.list[0].ch.Look()
	}
	urpc.Pause()
	return max(1, len(e.list))
}

// pass lets other goroutines run.
func (e *ears) pass() {
	e.mu.Unlock()
	runtime.Gosched()
	e.mu.Lock()
}

// yield does that, and reports whether none of them computes.
func (e *ears) yield() bool {
	before := time.Now()
	e.pass()
	now := time.Now()
	if now.Sub(before) < slice {
		return true
	}
	e.busy = now.Add(busyFor)
	return false
}

// met reports whether goroutines that compute were met lately.
func (e *ears) met() bool {
	if e.busy.IsZero() {
		return false
	}
	if time.Now().Before(e.busy) {
		return true
	}
	e.busy = time.Time{}
	return false
}

// await looks for what done waits for, if that may be worth it, and sees to it that all
// peers are awake that were spoken to.
func (e *ears) await(done func() bool) {
	if e.waiting++; e.waiting > 1 {
		e.pass() // let others begin theirs: what is said at once costs less
	}
	if !done() {
		e.look(done)
	}
	e.waiting--
	e.tell()
}

// tell wakes the peers that were not told of lines in their rings.
func (e *ears) tell() {
	if !e.untold {
		return
	}
	e.untold = false
	for _, o := range e.list {
		o.out.tell()
	}
}

// hear takes what a peer says until its channel ends.
func (e *ears) hear(o *ear) error {
	for {
		p, ready, err := e.attend(o)
		if err == nil && !ready {
			err = p.Sleep(context.Background())
		}
		if err != nil {
			return err
		}
	}
}

// attend takes what there is, of all, and returns what to sleep on until this peer says
// more.
func (e *ears) attend(o *ear) (p urpc.Parking, ready bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	o.out.waitRoom()
	if e.take(takeAtOnce) > 0 {
		e.linger()
	}
	if o.err == nil {
		p, ready = o.ch.Arm()
	}
	e.tell()
	return p, ready, o.err
}
