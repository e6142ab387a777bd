package bench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"barreleye/urpc"
	"barreleye/vmm/kvm"
	"barreleye/vmm/multikernel"
)

// onPlatforms runs a test on each platform there is.
func onPlatforms(t *testing.T, test func(*testing.T, Options)) {
	for _, platform := range []string{multikernel.PlatformHosted, multikernel.PlatformKVM} {
		t.Run(platform, func(t *testing.T) {
			if platform == multikernel.PlatformKVM {
				sys, err := kvm.Open(kvm.DevicePath)
				if err != nil {
					t.Skip(err)
				}
				sys.Close()
			}
			choice, err := multikernel.Choose(platform, "")
			if err != nil {
				t.Fatal(err)
			}
			test(t, Options{Platform: choice})
		})
	}
}

// shape is the labels of a part's rows, stars standing for any end.
var shape = map[string][]string{
	"base": {"call", "ring", "stream", "call_limit_cores", "call_limit_threads", "ring_limit_cores", "ring_limit_threads",
		"stream_limit_cores", "stream_limit_threads"},
	"wake":    {"wake_50us", "wake_1ms", "wake_10ms"},
	"threads": {"call_threads", "ring_threads", "stream_threads", "stream_bulk_threads", "stream_bulk_in_place_threads", "call_each_threads", "ring_each_threads"},
	"each":    {"call_each", "ring_each"},
	"inflight": append(spread("ring_inflight/inflight=%d", 1, 64, 2),
		spread("rpc_inflight/inflight=%d", 1, 64, 2)...),
	"payload": append([]string{"payload/payload=8/path=line", "payload/payload=24/path=line", "payload/payload=40/path=line", "payload/payload=56/path=line",
		"payload/payload=8/path=rpc"}, spread("payload/payload=%d/path=rpc", 64, 1<<20, 4)...),
	"bulk":           {"stream_bulk", "stream_bulk_in_place"},
	"ring_size":      append(ringSizes("cores"), ringSizes("threads")...),
	"payload_stream": append(streams("cores"), streams("threads")...),
	"idle_channels": {"idle_channels/channels=0/gap=50us", "idle_channels/channels=0/gap=1ms",
		"idle_channels/channels=10/gap=50us", "idle_channels/channels=10/gap=1ms",
		"idle_channels/channels=100/gap=50us", "idle_channels/channels=100/gap=1ms",
		"idle_channels/channels=1000/gap=50us", "idle_channels/channels=1000/gap=1ms"},
	"shared": {"shared_ring/guests=4", "shared_stream/guests=4", "shared_ring/guests=8", "shared_stream/guests=8"},
	"fanout": {"fanout/form=broadcast/members=1", "fanout/form=unicast/members=1", "fanout/form=tree/members=1",
		"fanout/form=broadcast/members=3", "fanout/form=unicast/members=3", "fanout/form=tree/members=3",
		"fanout/form=broadcast/members=7", "fanout/form=unicast/members=7", "fanout/form=tree/members=7"},
	"samecore": {"rpc_same_core/payload=16"},
	"lrpc":     {"lrpc_one_way/form=migrating", "lrpc_round_trip/form=migrating", "lrpc_one_way/form=hand_over", "lrpc_round_trip/form=hand_over"},
}

func ringSizes(where string) (out []string) {
	for lines := 16; lines <= 16384; lines *= 2 {
		for _, profile := range []string{"latency", "bulk"} {
			out = append(out, fmt.Sprintf("ring_size/ring=%d/profile=%s/where=%s", lines, profile, where))
		}
	}
	return out
}

func streams(where string) (out []string) {
	for _, payload := range []int{8, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20} {
		paths := []string{"bulk"}
		if payload >= 4<<10 {
			paths = append(paths, "pages", "pages_copied")
		}
		for _, path := range paths {
			out = append(out, fmt.Sprintf("payload_stream/payload=%d/path=%s/where=%s", payload, path, where))
		}
	}
	return out
}

// spread is a format for first, first*factor and so on up to last.
func spread(format string, first, last, factor int) (out []string) {
	for n := first; n <= last; n *= factor {
		out = append(out, fmt.Sprintf(format, n))
	}
	return out
}

// TestURPCShape measures every part with next to no rounds: all rows are there,
// each with its samples and its limit's, and no line allocates (a core that goes to
// sleep does).
func TestURPCShape(t *testing.T) {
	onPlatforms(t, func(t *testing.T, o Options) {
		o.few = 2
		for _, part := range urpcParts {
			want, listed := shape[part.name]
			if !listed {
				if !strings.HasPrefix(part.name, "peers") { // those have a test of their own
					t.Errorf("part %s has no rows here", part.name)
				}
				continue
			}
			rows, err := part.measure(o)
			if err != nil {
				t.Fatalf("%s: %v", part.name, err)
			}
			var got []string
			for i := range rows {
				r := &rows[i]
				got = append(got, r.Label())
				if len(r.Samples) == 0 || r.Median <= 0 || r.Percentiles.N != len(r.Samples) || len(r.Histogram) == 0 || r.PerSample < 1 {
					t.Errorf("%s: %+v", r.Label(), r)
				}
				if (r.LimitOf == "") != (r.Limit == 0) || (r.Limit == 0) != (len(r.LimitSamples) == 0) {
					t.Errorf("%s: limit %v of %q, %d samples", r.Label(), r.Limit, r.LimitOf, len(r.LimitSamples))
				}
				lines := 1.0
				if bytes, err := strconv.Atoi(r.Params.Get("payload")); err == nil {
					lines = math.Ceil(float64(bytes) / urpc.MaxPayload)
				}
				if r.Allocs/lines >= 0.25 { // 64 goroutines, started for 2,000 calls, are a tenth
					t.Errorf("%s: %.2f allocations per message", r.Label(), r.Allocs)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: rows\n%s\nwant\n%s", part.name, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

// TestURPCQuick: what --quick measures unasked is what README shows, and --only
// names parts that there are.
func TestURPCQuick(t *testing.T) {
	var quick []string
	for _, p := range urpcParts {
		if p.quick {
			quick = append(quick, shape[p.name]...)
		}
	}
	want := []string{"call", "ring", "stream", "call_limit_cores", "call_limit_threads", "ring_limit_cores", "ring_limit_threads",
		"stream_limit_cores", "stream_limit_threads", "wake_50us", "wake_1ms", "wake_10ms"}
	if !slices.Equal(quick, want) {
		t.Errorf("%v, want %v", quick, want)
	}
	if err := (Options{Only: []string{"base", "waves"}}).CheckOnly(); err == nil || !strings.Contains(err.Error(), "--only waves: no such part: the parts are base, wake") {
		t.Error(err)
	}
}
