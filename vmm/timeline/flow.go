package timeline

// Flows find the send that a receive belongs to. Records come by time, so a send is
// known before its receive. Memory is bounded: a send that is not received for
// long is forgotten.
type flows struct {
	channels map[uint64]*channel // by the address of their ring or line
	number   uint64              // arrows so far
}

// channel is one ring or call line.
type channel struct {
	sends []send // in order of their lines
	base  uint64 // how many were forgotten
	seen  map[int]uint64
}

// send is count lines that were sent together.
type send struct {
	first, count uint64
	tsc          uint64
	core         int
}

// Limits: a ring has at most 16384 lines, and as many sends that were not
// received; the number of channels only ends what a broken core may make up.
const (
	maxSends    = 1 << 14
	maxChannels = 1 << 14
)

// channel returns the one at an address, nil where there are too many.
func (f *flows) channel(address uint64) *channel {
	c := f.channels[address]
	if c == nil && len(f.channels) < maxChannels {
		c = &channel{seen: map[int]uint64{}}
		f.channels[address] = c
	}
	return c
}

// sent notes a send.
func (f *flows) sent(address uint64, s send) {
	c := f.channel(address)
	if c == nil {
		return
	}
	if n := len(c.sends); n > 0 && s.first < c.sends[n-1].first {
		c.base += uint64(n) // a new life of the channel counts anew
		c.sends = c.sends[:0]
	}
	if len(c.sends) == maxSends {
		c.base += maxSends / 2
		c.sends = append(c.sends[:0], c.sends[maxSends/2:]...)
	}
	c.sends = append(c.sends, s)
}

// cause returns when the last line was sent of those that a core received, and
// whether that send was seen yet.
func (f *flows) cause(address uint64, core int, first, count uint64) (since uint64, seen bool) {
	c := f.channels[address]
	if c == nil {
		return 0, false
	}
	for i := len(c.sends) - 1; i >= 0; i-- {
		if s := &c.sends[i]; s.core != core && s.first < first+count {
			return s.tsc, first+count-s.first <= s.count
		}
	}
	return 0, false
}

// received returns the sends of other cores whose first lines are among count
// lines that a core received. Each core gets a send once; of a broadcast all do.
func (f *flows) received(address uint64, core int, first, count uint64) []send {
	c := f.channels[address]
	if c == nil {
		return nil
	}
	from := max(c.seen[core], c.base) - c.base
	i := from
	for ; i < uint64(len(c.sends)) && c.sends[i].first < first; i++ {
	}
	begin := i
	for ; i < uint64(len(c.sends)) && c.sends[i].first-first < count && c.sends[i].core != core; i++ {
	}
	c.seen[core] = c.base + i
	return c.sends[begin:i]
}
