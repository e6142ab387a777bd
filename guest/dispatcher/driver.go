package dispatcher

import (
	"fmt"
	"sync/atomic"
	"time"

	"barreleye/guest/cpudriver"
	"barreleye/urpc"
)

// driverPort is the CPU driver's.
type driverPort struct {
	name   uint64
	ranOut atomic.Uint64 // what it had run when it ended
	words  *cpudriver.Words
	places []uint32
}

func newDriverPort(o Options) (*driverPort, error) {
	name, ok := cpudriver.NewDispatcher(uint64(o.Share), uint64(o.Priority))
	if !ok {
		return nil, fmt.Errorf("%w: stop one, or use another core", ErrRoom)
	}
	return &driverPort{name: name}, nil
}

func (p *driverPort) driverName() uint64 { return p.name }

// timeoutOf turns a timeout into the driver's.
func timeoutOf(d time.Duration) uint64 {
	if d == forever {
		return cpudriver.Forever
	}
	return uint64(d)
}

func (p *driverPort) receive(timeout time.Duration) (u upcall) {
	u.kind, u.about, u.m = cpudriver.Receive(timeoutOf(timeout))
	return u
}

func (p *driverPort) reply(status uint64, answer Message, timeout time.Duration) (u upcall) {
	u.kind, u.about, u.m = cpudriver.Reply(status, answer, timeoutOf(timeout))
	return u
}

// last gives the core to the caller for as long as it takes it, and goes on then. Who
// called meanwhile hears of the end.
func (p *driverPort) last(status uint64, answer Message) {
	cpudriver.Kick(p.name)
	cpudriver.Reply(status, answer, cpudriver.Forever)
}

func (p *driverPort) end() {
	if p.words != nil {
		p.words.Close()
	}
	cycles, _ := cpudriver.Ran(p.name)
	p.ranOut.Store(cycles)
	cpudriver.EndDispatcher()
}

func (p *driverPort) call(index uint64, m Message) (Message, uint64) {
	return cpudriver.HandOver(p.name, index, m)
}

func (p *driverPort) kick()      { cpudriver.Kick(p.name) }
func (p *driverPort) join() bool { return cpudriver.JoinDispatcher(p.name) }

func (p *driverPort) share(o Options) {
	cpudriver.SetShare(p.name, uint64(o.Share), uint64(o.Priority))
}

func (p *driverPort) ran() time.Duration {
	cycles, ok := cpudriver.Ran(p.name)
	if !ok {
		cycles = p.ranOut.Load()
	}
	return time.Duration(cpudriver.Nanoseconds(cycles))
}

func (p *driverPort) watch(place int, w urpc.Parking) (err error) {
	if p.words == nil {
		if p.words, err = cpudriver.NewWords(p.name, maxChannels); err != nil {
			return err
		}
		p.places = make([]uint32, maxChannels)
	}
	return p.words.Arm(place, w.Word, w.Old)
}

func (p *driverPort) unwatch(place int) { p.words.Disarm(place) }

func (p *driverPort) changed() []uint32 {
	if p.words == nil {
		return nil
	}
	return p.words.Changed(p.places)
}
