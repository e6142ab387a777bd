package integration

import (
	"net/http"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/metrics"
	"barreleye/vmm/multikernel"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sys/unix"
)

// scrape reads a server's figures by Prometheus' own parser.
func scrape(t *testing.T, s *metrics.Server) map[string]*dto.MetricFamily {
	t.Helper()
	r, err := http.Get(s.URL())
	if err != nil {
		t.Error(err)
		return nil
	}
	defer r.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r.Body)
	if err != nil {
		t.Error(err)
	}
	return families
}

// value returns a core's value of a family with further labels, -1 without one.
func value(f *dto.MetricFamily, core string, labels ...string) float64 {
next:
	for _, m := range f.GetMetric() {
		got := map[string]string{}
		for _, l := range m.Label {
			got[l.GetName()] = l.GetValue()
		}
		if got["core"] != core {
			continue
		}
		for i := 0; i < len(labels); i += 2 {
			if got[labels[i]] != labels[i+1] {
				continue next
			}
		}
		if m.Counter != nil {
			return m.Counter.GetValue()
		}
		return m.Gauge.GetValue()
	}
	return -1
}

// TestMetrics: figures can be read while cores run, one of which computes and one
// sleeps, and tell what they do.
func TestMetrics(t *testing.T) {
	s, err := metrics.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "lopsided")
	kick := make(chan multikernel.Reason, 1)
	opt.Metrics, opt.Kick, opt.Grace = s, kick, hang()
	done := make(chan struct{})
	opt.Console = newWatcher([]string{"spinning", "sleeping"}, func() {
		defer close(done)
		defer func() { kick <- multikernel.Reason{Text: "over", Code: 3, Signal: unix.SIGTERM} }()
		first := scrape(t, s)
		for _, core := range []string{"0", "1"} {
			for name, least := range map[string]float64{
				"messages_sent_total": 1, "messages_received_total": 1, "lives_total": 1, "cpu_seconds_total": 0.0001, "steal_seconds_total": 0,
				"rings_total": 0, "trace_records_lost_total": -1, "collections_total": 0,
			} {
				if got := value(first["barreleye_core_"+name], core); got < least {
					t.Errorf("core %s: %s is %v, at least %v expected", core, name, got, least)
				}
			}
			if got := value(first["barreleye_core_state"], core, "state", "running"); got != 1 {
				t.Errorf("core %s: running is %v", core, got)
			}
			if got := value(first["barreleye_core_events_total"], core, "event", "syscall"); got < 100 && !onHosted() {
				t.Errorf("core %s: %v system calls", core, got)
			}
			if got := value(first["barreleye_core_events_total"], core, "event", "local"); got != 0 {
				t.Errorf("core %s: %v messages of dispatchers, of which there are none", core, got)
			}
			if got := value(first["barreleye_core_memory_bytes"], core); got < 1<<24 && !onHosted() {
				t.Errorf("core %s: %v bytes of memory", core, got)
			}
		}
		cpu := func(families map[string]*dto.MetricFamily) float64 {
			return value(families["barreleye_core_cpu_seconds_total"], "0")
		}
		deadline := time.Now().Add(hang())
		for now := scrape(t, s); cpu(now) <= cpu(first); now = scrape(t, s) {
			if time.Now().After(deadline) {
				t.Error("the core that computes has no more CPU time")
				return
			}
		}
	})
	o := run(t, opt)
	<-done
	if o.ExitCode != 3 {
		t.Errorf("exit code %d", o.ExitCode)
	}
	if _, err := http.Get(s.URL()); err == nil {
		t.Error("figures of a run that has ended are served")
	}
}
