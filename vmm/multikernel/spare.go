package multikernel

import "barreleye/vmm/supervise"

// A spare is a core's next life, made ready while this one goes on: making a virtual
// machine takes longer than all else between a crash and the next life's main. Copies
// have one (--clone), where another life is to be expected. What it costs is a VM that
// does nothing; its memory is the template's.

// spareNext has the next life of a core made ready that has reached main.
func (r *run) spareNext(c *core) {
	again := c.number > 1 || r.opt.Restart.Of(c.index) != supervise.Never
	if !r.opt.Clone || !again || r.report.Platform != PlatformKVM {
		return
	}
	b := r.birthOf(c, c.number+1)
	r.working.Go(func() {
		made, err := r.platform.newLife(b)
		r.done <- func() {
			switch {
			case err != nil:
				b.program.release() // whoever needs a life tries again, and tells
			case b.life != c.number+1:
				r.dispose(&born{b, made}) // too late
			default:
				if c.spare != nil {
					r.dispose(c.spare)
				}
				c.spare = &born{b, made}
			}
		}
	})
}

// takeSpare returns the life that was made ahead, if it is as b says. That it is not is
// no matter: the core got another program, or there are more cores now.
func (r *run) takeSpare(c *core, b birth) *born {
	s := c.spare
	if s == nil {
		return nil
	}
	if c.spare = nil; s.birth != b {
		r.dispose(s)
		return nil
	}
	b.program.release() // s counts as its user
	return s
}
