package integration

import (
	"fmt"
	"testing"

	"barreleye/devices/region"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// TestStats: a stream and its one answer are counted and timed, and nothing is
// where nobody asked.
func TestStats(t *testing.T) {
	n := scaled(500_000, 20_000)
	opt := options(t, load(t, "stream", image.LoadOptions{}), 2, "-n", fmt.Sprint(n))
	opt.Stats = true
	o := run(t, opt)
	o.wantOK()
	found := map[[2]int]multikernel.ChannelReport{}
	for _, c := range o.Channels {
		if c.Channel == "program" {
			found[[2]int{c.From, c.To}] = c
		}
		if c.Received != c.Messages {
			t.Errorf("%+v", c)
		}
	}
	there, back := found[[2]int{0, 1}], found[[2]int{1, 0}]
	if there.Messages != uint64(n) || back.Messages != 1 {
		t.Errorf("counted %+v and back %+v", there, back)
	}
	if there.Batches == 0 || back.Batches != 1 { // polls depend on who is faster
		t.Errorf("counted %+v and back %+v", there, back)
	}
	if all := o.AllChannels; all == nil || all.Messages != uint64(n)+1 || all.Latency == nil {
		t.Errorf("in all %+v", all)
	}
	for _, c := range []multikernel.ChannelReport{there, back} {
		l := c.Latency
		if l == nil {
			t.Errorf("no latencies of %+v", c)
			continue
		}
		t.Logf("%d to %d: %+v", c.From, c.To, *l)
		if l.Samples == 0 || l.Samples > c.Messages || l.Refused != 0 || l.P50 <= 0 || l.P50 > l.P99 || l.P99 > l.Max {
			t.Errorf("%d to %d: %+v", c.From, c.To, *l)
		}
	}

	opt = options(t, load(t, "pingpong", image.LoadOptions{}), 2, "-n", "1000")
	opt.Stats = true
	o = run(t, opt)
	o.wantOK()
	calls := 0
	for _, c := range o.Channels {
		if c.Channel == region.CallChannel && c.Messages >= 1000 && c.Received == c.Messages && c.Latency != nil && c.Latency.P50 > 0 {
			calls++
		}
	}
	if calls != 1 {
		t.Errorf("calls counted wrongly: %+v", o.Channels)
	}

	o = boot(t, "pingpong", 2, "-n", "100")
	if o.wantOK(); o.Channels != nil || o.AllChannels != nil {
		t.Errorf("not asked for: %+v", o.Channels)
	}
}
