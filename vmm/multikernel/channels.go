package multikernel

import (
	"fmt"
	"io"
	"sync/atomic"
	"text/tabwriter"

	"barreleye/devices/region"
)

// ChannelReport is what went from one core to another over one channel. Its JSON
// names are stable.
type ChannelReport struct {
	From     int    `json:"from"`
	To       int    `json:"to"`
	Channel  string `json:"channel"` // what it is for: "monitor", "program", "pages", "call", "opened N", "closed"
	Messages uint64 `json:"messages"`
	Received uint64 `json:"received"` // of the messages
	Batches  uint64 `json:"batches"`  // flushes that had something to flush
	Stalls   uint64 `json:"stalls"`   // attempts to send that found the ring full
	Wakes    uint64 `json:"wakes"`    // doorbells rung for a message
	Polls    uint64 `json:"polls"`    // attempts to receive that found nothing
	Parks    uint64 `json:"parks"`    // sleeps until there was a message

	RoomWakes uint64 `json:"room_wakes"` // doorbells rung for room in the ring
	RoomParks uint64 `json:"room_parks"` // sleeps until there was room

	Latency *LatencyReport `json:"latency,omitempty"` // nil without samples
}

// add counts what another channel counts.
func (c *ChannelReport) add(o *ChannelReport) {
	c.Messages += o.Messages
	c.Received += o.Received
	c.Batches += o.Batches
	c.Stalls += o.Stalls
	c.Wakes += o.Wakes
	c.Polls += o.Polls
	c.Parks += o.Parks
	c.RoomWakes += o.RoomWakes
	c.RoomParks += o.RoomParks
}

// channels returns what went over each channel that was used, and over all
// channels of programs together; nil and nil where nobody asked.
func (r *run) channels() (list []ChannelReport, all *ChannelReport) {
	if !r.opt.Stats {
		return nil, nil
	}
	list, all = []ChannelReport{}, &ChannelReport{From: -1, To: -1, Channel: "all but monitor"}
	sum := newLatencies(r.report.TSCKHz)
	one := newLatencies(r.report.TSCKHz)
	for from := range r.cores {
		for to := range r.cores {
			if from == to {
				continue
			}
			for d := range r.view.Directions(from, to) {
				c := channelReport(d)
				if c.Messages == 0 {
					continue
				}
				one.reset()
				one.add(d.Receiver)
				c.Latency = one.report()
				list = append(list, c)
				if d.Channel != region.MonitorChannel {
					all.add(&c)
					sum.merge(one)
				}
			}
			if c := r.closed(from, to); c.Messages > 0 {
				list = append(list, c)
				all.add(&c)
			}
		}
	}
	all.Latency = sum.report()
	return list, all
}

// closed is what went over channels that were closed again, and over those of lives whose
// cores live again. Of them only messages are known.
func (r *run) closed(from, to int) ChannelReport {
	sent, received := r.view.Closed(from, to)
	return ChannelReport{
		From: from, To: to, Channel: "closed",
		Messages: sent + r.cores[from].wiped[to].sent, Received: received + r.cores[to].wiped[from].received,
	}
}

// traffic is how many messages a core sent to another one and received from there.
type traffic struct{ sent, received uint64 }

// channelReport is what both cores counted.
func channelReport(d region.Direction) ChannelReport {
	s, r := &d.Sender.Send, &d.Receiver.Recv
	return ChannelReport{
		From: d.From, To: d.To, Channel: d.Channel,
		Messages: atomic.LoadUint64(&s.Messages), Received: atomic.LoadUint64(&r.Messages),
		Batches: atomic.LoadUint64(&s.Batches), Stalls: atomic.LoadUint64(&s.Stalls),
		Wakes: atomic.LoadUint64(&s.Wakes), RoomParks: atomic.LoadUint64(&s.Parks),
		Polls: atomic.LoadUint64(&r.Polls), Parks: atomic.LoadUint64(&r.Parks), RoomWakes: atomic.LoadUint64(&r.Wakes),
	}
}

// ChannelTable writes the channels that were used as a table, one direction a line.
func (r *Report) ChannelTable(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "FROM\tTO\tCHANNEL\tMESSAGES\tBATCHES\tSTALLS\tWAKES\tPOLLS\tPARKS\tSAMPLES\tP50 us\tP99 us\tP99.9 us\tMAX us\t")
	for _, c := range r.Channels {
		fmt.Fprintf(t, "%d\t%d\t%s", c.From, c.To, c.Channel)
		c.columns(t)
	}
	if r.AllChannels != nil && r.AllChannels.Messages > 0 {
		fmt.Fprintf(t, "\t\t%s", r.AllChannels.Channel)
		r.AllChannels.columns(t)
	}
	t.Flush()
}

// columns writes the numbers of a line.
func (c *ChannelReport) columns(w io.Writer) {
	fmt.Fprintf(w, "\t%d\t%d\t%d\t%d\t%d\t%d\t", c.Messages, c.Batches, c.Stalls, c.Wakes, c.Polls, c.Parks)
	if l := c.Latency; l != nil {
		fmt.Fprintf(w, "%d\t%.2f\t%.2f\t%.2f\t%.2f\t\n", l.Samples, l.P50/1e3, l.P99/1e3, l.P999/1e3, l.Max/1e3)
		return
	}
	fmt.Fprint(w, "0\t-\t-\t-\t-\t\n")
}
