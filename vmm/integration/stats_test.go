package integration

import (
	"fmt"
	"testing"

	"barreleye/devices/region"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/supervise"
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
		if l == nil && c == back {
			t.Log("core 1 had ended before core 0 took its message, which is therefore not timed")
			continue
		}
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

// TestStatsOfLives: what went to cores that outlive the sender is reported whole: of its
// last life by channel, with latencies, and of the life before in a sum.
func TestStatsOfLives(t *testing.T) {
	const cores, n = 3, 1000
	opt := options(t, load(t, "probe", image.LoadOptions{}), cores, "-n", fmt.Sprint(n), "outlived")
	opt.Stats = true
	opt.Restart = often(supervise.OneForOne)
	o := run(t, opt)
	o.wantOK()
	found := map[string]multikernel.ChannelReport{}
	for _, c := range o.Channels {
		if c.From != 0 {
			continue // it may have ended before it received what its peers' monitors said
		}
		found[fmt.Sprintf("%s to %d", c.Channel, c.To)] = c
		if c.Received != c.Messages {
			t.Errorf("%+v", c)
		}
	}
	for to := 1; to < cores; to++ {
		last, before := found[fmt.Sprintf("program to %d", to)], found[fmt.Sprintf("closed to %d", to)]
		if last.Messages != n || last.Batches == 0 || last.Latency == nil || last.Latency.Samples == 0 {
			t.Errorf("to core %d went %+v", to, last)
		}
		if before.Messages < n || before.Messages > n+10 { // and what the monitor said
			t.Errorf("to core %d went before %+v", to, before)
		}
	}
}
