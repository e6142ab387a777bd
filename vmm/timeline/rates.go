package timeline

import "barreleye/urpc/trace"

// Rates are the graphs of a core: how many messages it sent and received, and how often
// it halted, in each millisecond in which there were any.
type rates struct {
	window uint64 // that is being counted, in ms since the trace began
	now    counts
	shown  counts // of the window before: what the graphs show up to now
}

type counts struct{ sent, received, halts uint64 }

// count takes one record into account.
func (r *rates) count(c *core, w *writer, rec record) {
	var n counts
	switch rec.kind {
	case trace.Send:
		n.sent = rec.a >> 48
	case trace.Recv:
		n.received = rec.a >> 48
	case trace.Halt:
		n.halts = 1
	default:
		return
	}
	if window := w.ns(rec.tsc) / 1e6; window != r.window {
		r.show(c, w)
		if window > r.window+1 {
			r.window++
			r.show(c, w) // nothing
		}
		r.window = window
	}
	r.now.sent += n.sent
	r.now.received += n.received
	r.now.halts += n.halts
}

// show writes what the window that is over came to, where the graphs change.
func (r *rates) show(c *core, w *writer) {
	if r.now.sent != r.shown.sent || r.now.received != r.shown.received {
		w.counter(c.index, r.window, "messages")
		w.number("sent", r.now.sent)
		w.number("received", r.now.received)
		w.end(true)
	}
	if r.now.halts != r.shown.halts {
		w.counter(c.index, r.window, "halts")
		w.number("per ms", r.now.halts)
		w.end(true)
	}
	r.now, r.shown = counts{}, r.now
}

// end shows the last window, and nothing after it.
func (r *rates) end(c *core, w *writer) {
	r.show(c, w)
	r.window++
	r.show(c, w)
}
