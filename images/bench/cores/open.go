package cores

import (
	"math"

	"barreleye/devices/layout"
	"barreleye/guest"
	"barreleye/images/bench/measure"
	"barreleye/urpc"
	"barreleye/urpc/pages"
)

// opener makes channels of any length between cores 0 and 1, in the memory in
// which programs open theirs: this one opens none otherwise.
type opener struct {
	me   int
	page int // of both cores' memory that is not used yet
}

// opens gives a side the means to open channels.
func opens(s *measure.Side) {
	o := &opener{me: s.Me}
	s.Open = o.open
	s.OpenPages = func() (*pages.Pool, error) { return guest.Pages(1 - o.me) }
}

// open takes the next pages of both pools. The link has a bell that looks whether the
// other core sleeps, as a real one does, but rings nobody: an end of this link never
// parks, however long the other core is away.
func (o *opener) open(lines int) (own, peer urpc.Side, link urpc.Link, err error) {
	v := guest.Region()
	link = urpc.Link{Epoch: 1, Bell: &urpc.Bell{Asleep: &v.Block(1 - o.me).Asleep, Ring: func() {}}, Sleeper: guest.Sleeper(), Polls: math.MaxInt}
	if own, err = v.PoolSide(o.me, 1-o.me, o.page, lines); err != nil {
		return
	}
	peer, err = v.PoolSide(1-o.me, o.me, o.page, lines)
	o.page += urpc.SideBytes(lines) / layout.PageSize
	return
}
