package metrics

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// TestText: Prometheus' own parser reads what is written, whatever labels hold.
func TestText(t *testing.T) {
	count := Family{Name: "a_total", Help: "As there were.", Kind: Counter}
	count.Add(1<<53, "core", "0")
	count.Add(0.25, "core", "1", "odd", "a \"b\" \\ \n\xc3\xa4")
	size := Family{Name: "b_bytes", Help: "How large it is.", Kind: Gauge}
	size.Add(-7)
	var b strings.Builder
	if err := Write(&b, []Family{count, {Name: "none", Help: "x", Kind: Gauge}, size}); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	got, err := parser.TextToMetricFamilies(strings.NewReader(b.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	if len(got) != 2 {
		t.Fatalf("%d families in\n%s", len(got), b.String())
	}
	a := got["a_total"]
	if a.GetHelp() != count.Help || a.GetType().String() != "COUNTER" || a.Metric[0].Counter.GetValue() != 1<<53 || a.Metric[1].Label[1].GetValue() != count.Samples[1].Labels[3] {
		t.Errorf("read %v", a)
	}
	if got["b_bytes"].Metric[0].Gauge.GetValue() != -7 {
		t.Errorf("read %v", got["b_bytes"])
	}
}

// TestServer: figures are served until the end, and not looked at after it.
func TestServer(t *testing.T) {
	s, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	s.Serve(func() []Family {
		asked++
		f := Family{Name: "asked_total", Help: "How often.", Kind: Counter}
		f.Add(float64(asked))
		return []Family{f}
	})
	for range 2 {
		r, err := http.Get(s.URL())
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != 200 || !strings.Contains(string(text), "asked_total") || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
			t.Fatalf("%v %v %q", err, r.Header, text)
		}
	}
	if r, err := http.Post(s.URL(), "", nil); err != nil || r.StatusCode != 405 {
		t.Errorf("a POST is answered: %v, %v", r, err)
	}
	s.Close()
	s.Close()
	if _, err := http.Get(s.URL()); err == nil || asked != 2 {
		t.Errorf("asked %d times; after the end: %v", asked, err)
	}
	if _, err := Listen("nowhere"); err == nil || !strings.Contains(err.Error(), "use another address") {
		t.Errorf("a bad address: %v", err)
	}
}
