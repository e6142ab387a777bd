package cores

import (
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
	s.OpenRing = func(lines int) (*urpc.Conn, func(), error) {
		own, peer, err := o.sides(lines)
		if err != nil {
			return nil, nil, err
		}
		conn, err := urpc.NewConn(own, peer, o.link())
		return conn, func() {}, err
	}
	s.OpenBulk = func(lines int) (*urpc.Bulk, func(), error) {
		own, peer, err := o.sides(lines)
		if err != nil {
			return nil, nil, err
		}
		bulk, err := urpc.NewBulk(own, peer, o.link())
		return bulk, func() {}, err
	}
	s.OpenPages = func() (*pages.Pool, error) { return guest.Pages(1 - o.me) }
}

func (o *opener) sides(lines int) (own, peer urpc.Side, err error) {
	v := guest.Region()
	if own, err = v.PoolSide(o.me, 1-o.me, o.page, lines); err != nil {
		return
	}
	peer, err = v.PoolSide(1-o.me, o.me, o.page, lines)
	o.page += urpc.SideBytes(lines) / 4096
	return
}

// link has a bell that looks whether the other core sleeps, which none does here:
// both poll.
func (o *opener) link() urpc.Link {
	return urpc.Link{Epoch: 1, Bell: &urpc.Bell{Asleep: &guest.Region().Block(1 - o.me).Asleep, Ring: func() {}}, Sleeper: guest.Sleeper()}
}
