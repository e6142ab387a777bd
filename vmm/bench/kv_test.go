package bench

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"barreleye/images/kv/store"
	"barreleye/images/kv/workload"
)

// TestMain lets the test binary be the process that the benchmark starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "bench" && os.Args[2] == "kvprocess" {
		if err := KVProcess(os.Stdout, os.Args[4:]); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestLocks: clients of each kind of store find all answers right.
func TestLocks(t *testing.T) {
	for _, lock := range []string{"mutex", "rwmutex", "striped"} {
		var out bytes.Buffer
		err := KVProcess(&out, []string{"-lock", lock, "-khz", "2600000", "-clients", "4", "-for", "20ms", "-keys", "100", "-reads", "50", "-deletes", "20"})
		var r workload.Result
		if err == nil {
			err = json.Unmarshal(out.Bytes(), &r)
		}
		if err != nil || r.Operations < 4 || r.P50 <= 0 || r.Max < r.P999 {
			t.Errorf("%s: %+v, %v", lock, r, err)
		}
	}
	for _, args := range [][]string{
		{"-lock", "none", "-khz", "1", "-for", "1s"}, {"-khz", "0", "-for", "1s"}, {"-khz", "1"}, {"-khz", "1", "-for", "1s", "-keys", "0"}, {"-x"},
	} {
		if err := KVProcess(new(bytes.Buffer), args); err == nil || !strings.HasPrefix(err.Error(), "bench: ") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// forgetful is a store that loses what is written.
type forgetful struct{}

func (forgetful) apply(r *store.Request) store.Answer {
	return (&oneLock{s: store.New()}).apply(r)
}

func TestClientsNoticeLostWrites(t *testing.T) {
	c := workload.Config{Operations: 1000, Keys: 10, ValueBytes: 8, Reads: 50}
	p := &kvClients{config: c, store: forgetful{}, length: 1000, begin: make(chan struct{})}
	if _, err := p.run(2, 2_600_000); err == nil || !strings.Contains(err.Error(), "the answer is missing, it must be found") {
		t.Error(err)
	}
}

// TestKVShape runs the comparison once, briefly, on each platform there is.
func TestKVShape(t *testing.T) {
	onPlatforms(t, testKVShape)
}

func testKVShape(t *testing.T, o Options) {
	im, err := builtinImage("kv")
	if err != nil {
		t.Fatalf("%v: run make images", err)
	}
	r := o.newReport()
	if err := r.kvShape(o, im, 2, kvStores, 1, 20*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if len(r.KV) != len(kvStores) || len(r.Rows) != 4 {
		t.Fatalf("%d stores, %d rows", len(r.KV), len(r.Rows))
	}
	for i, k := range r.KV {
		if k.Cores != 2 || k.Store != kvStores[i].name || k.PerSecond <= 0 || k.P50 <= 0 || k.P50 > k.P99 || k.P99 > k.P999 {
			t.Errorf("%+v", k)
		}
	}
	var text bytes.Buffer
	r.Text(&text)
	for _, want := range []string{"kv_2_rate", "process, 64 Mutexes", "the limit is one Go process"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
}
