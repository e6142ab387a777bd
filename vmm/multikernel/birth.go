package multikernel

import (
	"time"

	"barreleye/devices/region"
)

// birth is what the platform needs to know to make a life of a core.
type birth struct {
	core    int
	life    uint64
	cores   int // that there are so far: guest.Cores
	program *program
	cpu     int  // host CPU, -1 for none
	crowded bool // cores outnumber their CPUs
	poll    time.Duration
}

// born is one life of a core that is ready.
type born struct {
	birth
	carrier
}

// birthOf says how a life of a core is to be made. It uses the program.
func (r *run) birthOf(c *core, number uint64) birth {
	return birth{core: c.index, life: number, cores: r.seen, program: c.program.use(), cpu: r.place[c.index], crowded: r.crowded, poll: r.poll}
}

// build makes a core's next life ready, beside everything else, unless it is.
func (r *run) build(c *core, number uint64) {
	b := r.birthOf(c, number)
	if s := r.takeSpare(c, b); s != nil {
		r.built(c, s, nil)
		return
	}
	r.working.Go(func() {
		made, err := r.platform.newLife(b)
		if err != nil {
			b.program.release()
		}
		r.done <- func() { r.built(c, &born{b, made}, err) }
	})
}

// built takes the life that was made, or the error.
func (r *run) built(c *core, b *born, err error) {
	if err != nil {
		c.err = err
		if !r.started {
			r.failed = err // of the start
		} else {
			r.logs.Alarm("core %d: life %d cannot begin: %v", c.index, b.life, err)
		}
	} else {
		c.next = b
	}
	r.machine.Built(c.index, err == nil)
}

// discard gives back a life that is not begun.
func (r *run) discard(c *core) {
	b := c.next
	c.next = nil
	r.dispose(b)
}

// dispose frees what a life had, which may take Linux a while.
func (r *run) dispose(b *born) {
	r.working.Go(func() {
		_ = b.Close() // what cannot be given back is the process's until its end
		b.program.release()
	})
}

// announce tells all cores of a life that is about to begin. What the life before
// wrote is gone.
func (r *run) announce(c *core) {
	if c.last != nil {
		r.wipe(c.index)
	}
	r.view.VMM(c.index).Began.Store(r.view.Header().Epoch.Load())
	r.view.VMM(c.index).Life.Store(region.LifeWord(c.next.life, region.OverNot))
	r.enter(c)
	r.tellLiving(c)
}

// tellLiving tells all living cores that there is news of one.
func (r *run) tellLiving(of *core) {
	r.view.Header().Epoch.Add(1)
	for _, peer := range r.cores {
		if peer != of && !peer.over {
			peer.bell.Wake()
		}
	}
}

// begin starts a core's next life, which was announced.
func (r *run) begin(c *core) {
	b := c.next
	c.born, c.next = b, nil
	c.life, c.number = b.carrier, b.life
	c.course = course{}
	c.began = time.Now()
	r.openDesk(c)
	if err := r.logs.Begin(c.index, b.life, b.Source()); err != nil {
		r.failed = err
		r.machine.Shutdown(false)
	}
	if b.life > 1 {
		r.logs.Say("core %d: life %d begins", c.index, b.life)
	}
	go func() {
		end, err := b.Run()
		r.ends <- ending{c, end, err}
	}()
}
