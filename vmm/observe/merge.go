package observe

import "bytes"

// pending are entries of one core that were drained and not yet written: lines
// of JSON, in order. ends says where each of them, or a group that has to stay
// together, ends.
type pending struct {
	json []byte
	ends []int
}

// add appends one entry.
func (p *pending) add(e *Entry) {
	p.json = e.AppendJSON(p.json)
	p.ends = append(p.ends, len(p.json))
}

// addLines appends entries that stay together.
func (p *pending) addLines(json []byte) {
	if len(json) > 0 {
		p.json = append(p.json, json...)
		p.ends = append(p.ends, len(p.json))
	}
}

// stamp returns the time of the entry that starts at a place.
func (p *pending) stamp(at int) []byte {
	at += len(`{"time":"`)
	return p.json[at : at+stampLen]
}

// merge moves what is pending of all cores to b, by time: those of one core
// keep their order. Times of one length compare as text.
func merge(b []byte, all []*pending) []byte {
	type cursor struct {
		*pending
		next, at int // entry, and where it starts
	}
	var open []cursor
	for _, p := range all {
		if len(p.ends) > 0 {
			open = append(open, cursor{pending: p})
		}
	}
	for len(open) > 0 {
		first := 0
		for i := 1; i < len(open); i++ {
			if bytes.Compare(open[i].stamp(open[i].at), open[first].stamp(open[first].at)) < 0 {
				first = i
			}
		}
		c := &open[first]
		end := c.ends[c.next]
		b = append(b, c.json[c.at:end]...)
		c.next, c.at = c.next+1, end
		if c.next == len(c.ends) {
			c.json, c.ends = c.json[:0], c.ends[:0]
			open = append(open[:first], open[first+1:]...)
		}
	}
	return b
}
