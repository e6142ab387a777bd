package urpc

// giver is the part of a receiving end, of either profile, that takes lines in
// turn and gives them back to the sender.
type giver struct {
	next   uint64      // number of the next line
	ackAt  uint64      // publish the acknowledgement when next gets here
	counts *RecvCounts // where next is told to others, and more; stats.go

	own     *Control
	every   uint64 // lines between acknowledgements
	acked   uint64 // acknowledgement published last
	rung    uint64 // ... and when the sender's core was last made sure to be awake
	closed  bool
	link    Link
	private RecvCounts // what counts points to where nobody asked
}

// begin is for a ring of that many lines.
func (g *giver) begin(lines int, own *Control, link Link) {
	g.own, g.link = own, link.withDefaults()
	g.every = max(uint64(lines)/8, 4)
	g.ackAt = g.every
	g.counts = &g.private
}

// giveBack acknowledges all lines taken so far, of a ring of so many. The sender,
// which may sleep for want of room, is woken only when half the ring was given
// back since it was last looked after: the fence that this takes waits for the
// line of the ack word.
func (g *giver) giveBack(lines int) {
	g.publishAck()
	if g.next-g.rung >= uint64(lines)/2 {
		g.wakeSender()
	}
}

// ack gives all lines taken so far back and wakes the sender's core if it sleeps.
func (g *giver) ack() {
	if g.rung == g.next || g.closed {
		return
	}
	if g.acked != g.next {
		g.publishAck()
	}
	g.wakeSender()
}

// publishAck tells the sender which lines are free, and wakes nobody.
func (g *giver) publishAck() {
	g.acked = g.next
	g.ackAt = g.next + g.every
	publish(&g.own.ack, g.next)
}

// wakeSender wakes the sender's core if it sleeps.
func (g *giver) wakeSender() {
	g.rung = g.next
	if g.link.Bell.Wake() {
		g.counts.Wakes++
	}
}
