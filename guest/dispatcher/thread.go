package dispatcher

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"barreleye/guest/cpudriver"
	"barreleye/urpc"
)

// threadPort is made of the runtime's means, where Linux has the CPU driver's place:
// on the hosted platform, and in tests. Linux divides the core, by nice values
// (nice.go); a call by hand-over goes through the runtime's scheduler and Linux's.
type threadPort struct {
	tid     int
	calls   chan *call
	kicks   chan struct{}
	ended   chan struct{}
	timer   *time.Timer
	serving *call
	ranOut  atomic.Int64               // what the thread had run when it ended
	waits   atomic.Pointer[threadPort] // for whose answer the dispatcher waits

	mu     sync.Mutex
	sleeps map[int]context.CancelFunc // by place
	places []uint32                   // that have changed
	taken  []uint32
}

// call is a call that is handed over.
type call struct {
	index  uint64
	m      Message
	status uint64
	done   chan struct{}
}

// freeCalls keeps calls for the next ones, so that calling allocates nothing.
var freeCalls = sync.Pool{New: func() any { return &call{done: make(chan struct{}, 1)} }}

// threadPorts are those of this process, by their loop's thread.
var threadPorts sync.Map

func newThreadPort(o Options) *threadPort {
	p := &threadPort{
		tid: syscall.Gettid(), calls: make(chan *call), kicks: make(chan struct{}, 1), ended: make(chan struct{}),
		timer: time.NewTimer(forever), sleeps: map[int]context.CancelFunc{},
	}
	niceness.set(p.tid, o)
	threadPorts.Store(p.tid, p)
	return p
}

func (p *threadPort) driverName() uint64 { return 0 }

func (p *threadPort) receive(timeout time.Duration) upcall {
	if timeout != forever {
		p.timer.Reset(timeout)
	}
	select {
	case c := <-p.calls:
		p.serving = c
		return upcall{upcallMessage, c.index, c.m}
	case <-p.kicks:
		return upcall{kind: upcallRun}
	case <-p.timer.C:
		return upcall{kind: cpudriver.UpcallTimer}
	}
}

func (p *threadPort) reply(status uint64, answer Message, timeout time.Duration) upcall {
	p.last(status, answer)
	return p.receive(timeout)
}

func (p *threadPort) last(status uint64, answer Message) {
	c := p.serving
	p.serving = nil
	c.m, c.status = answer, status
	c.done <- struct{}{}
}

func (p *threadPort) end() {
	if p.serving != nil {
		p.last(cpudriver.Died, Message{})
	}
	p.mu.Lock()
	for _, stop := range p.sleeps {
		stop()
	}
	p.mu.Unlock()
	p.ranOut.Store(int64(threadTime(p.tid)))
	niceness.forget(p.tid)
	threadPorts.Delete(p.tid)
	p.timer.Stop()
	close(p.ended)
}

func (p *threadPort) call(index uint64, m Message) (Message, uint64) {
	c := freeCalls.Get().(*call)
	c.index, c.m = index, m
	defer freeCalls.Put(c)
	if caller, ok := threadPorts.Load(syscall.Gettid()); ok {
		from := caller.(*threadPort)
		// Of two that begin to wait for each other, one at least sees the other.
		from.waits.Store(p)
		defer from.waits.Store(nil)
		for next := p; next != nil; next = next.waits.Load() {
			if next == from {
				return m, cpudriver.Deadlock
			}
		}
	}
	select {
	case p.calls <- c:
	case <-p.ended:
		return m, cpudriver.Gone
	}
	<-c.done // always answered, at the latest by end
	return c.m, c.status
}

func (p *threadPort) kick() {
	select {
	case p.kicks <- struct{}{}:
	default: // it has not taken the last one
	}
}

func (p *threadPort) join() bool {
	select {
	case <-p.ended:
		return false
	default:
		return niceness.join(syscall.Gettid(), p.tid)
	}
}

func (p *threadPort) share(o Options) { niceness.set(p.tid, o) }

func (p *threadPort) ran() time.Duration {
	select {
	case <-p.ended:
		return time.Duration(p.ranOut.Load())
	default:
		return threadTime(p.tid)
	}
}

// watch has a goroutine wait: there is nothing here that kicks by itself.
func (p *threadPort) watch(place int, w urpc.Parking) error {
	ctx, stop := context.WithCancel(context.Background())
	p.mu.Lock()
	p.sleeps[place] = stop
	p.mu.Unlock()
	go func() {
		defer stop()
		if w.Sleep(ctx) != nil && ctx.Err() != nil {
			return
		}
		p.mu.Lock()
		p.places = append(p.places, uint32(place))
		p.mu.Unlock()
		p.kick()
	}()
	return nil
}

func (p *threadPort) unwatch(place int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stop := p.sleeps[place]; stop != nil {
		stop()
	}
}

func (p *threadPort) changed() []uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.places, p.taken = p.taken[:0], p.places
	return p.taken
}
