package workload

import (
	"flag"
	"strings"
	"testing"
	"time"

	"barreleye/images/kv/store"
)

func config(t *testing.T, args ...string) (c Config) {
	f := flag.NewFlagSet("kv", flag.PanicOnError)
	c.Flags(f)
	f.Parse(args)
	return c
}

// TestClient: a right store passes all checks, over more steps than the script
// has, and every kind of answer comes up.
func TestClient(t *testing.T) {
	for _, args := range [][]string{nil, {"-zipf", "1.2"}, {"-reads", "20", "-deletes", "40", "-value", "5"}} {
		c := config(t, args...)
		c.Keys, c.Seed = 500, uint64(time.Now().UnixNano())
		t.Logf("%v: %v", args, &c)
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		s, seen := store.New(), map[store.Status]int{}
		clients := []*Client{NewClient(c, 0), NewClient(c, 1)}
		var r store.Request
		ask := func(k *Client, step Step) {
			k.Request(&step, &r)
			a := s.Apply(&r)
			seen[a.Status]++
			if err := k.Check(&step, &a); err != nil {
				t.Fatal(err)
			}
		}
		for i := range c.Keys {
			for _, k := range clients {
				ask(k, k.Fill(i))
			}
		}
		for range scriptLength + 1000 {
			for _, k := range clients {
				ask(k, k.Next())
			}
		}
		for status := store.Found; status <= store.Deleted; status++ {
			if seen[status] == 0 {
				t.Errorf("%v: no answer was %v: %v", args, status, seen)
			}
		}
	}
}

// TestCheckNotices: what a broken store might answer.
func TestCheckNotices(t *testing.T) {
	c := config(t, "-keys", "2")
	k, other := NewClient(c, 0), NewClient(c, 1)
	first, second := k.Fill(0), k.Fill(0)
	get := Step{Key: 0, Op: store.Get, Version: second.Version}
	found := func(c *Client, key uint32, version uint64) store.Answer {
		return store.Answer{Status: store.Found, Value: c.value(key, version)}
	}
	right := found(k, 0, second.Version)
	if err := k.Check(&get, &right); err != nil {
		t.Error(err)
	}
	short := right
	short.Value.Len--
	for what, a := range map[string]store.Answer{
		"an old value":       found(k, 0, first.Version),
		"another key's":      found(k, 1, second.Version),
		"another client's":   found(other, 0, second.Version),
		"a lost value":       {Status: store.Missing},
		"a cut value":        short,
		"an answer to a put": {Status: store.Stored},
	} {
		if err := k.Check(&get, &a); err == nil {
			t.Errorf("%s passed", what)
		}
	}
	gone := Step{Key: 1, Op: store.Get}
	if err := k.Check(&gone, &right); err == nil || !strings.Contains(err.Error(), "it must be missing") {
		t.Errorf("a value that was never written: %v", err)
	}
}

func TestShares(t *testing.T) {
	c := Config{Operations: 11}
	if a, b, d := c.Share(0, 3), c.Share(1, 3), c.Share(2, 3); a+b+d != 11 || a-d > 1 {
		t.Errorf("shares %d, %d, %d", a, b, d)
	}
}

func TestCheckConfig(t *testing.T) {
	for _, args := range []string{"-n=0", "-for=-1s", "-keys=0", "-value=0", "-value=33", "-reads=60 -deletes=60", "-reads=-1", "-zipf=1", "-zipf=-2", "-zipf=NaN"} {
		c := config(t, strings.Fields(args)...)
		if err := c.Check(); err == nil {
			t.Errorf("%s passed", args)
		}
	}
}

// TestResult: a known distribution in, its percentiles out, also by the way over
// Each that latencies take between cores.
func TestResult(t *testing.T) {
	a, b := NewLatencies(), NewLatencies()
	for i := range uint64(1000) {
		a.Record(i+1, 1)
	}
	a.Record(1<<50, 1) // too long to tell how long
	for cycles, n := range a.Each {
		b.Record(cycles, n)
	}
	all := NewLatencies()
	all.Add(b)
	r := NewResult(all, 2e9, 0.5)
	if r.Operations != 1001 || r.Seconds != 1 || r.PerSecond != 1001 || r.P50 != 251 && r.P50 != 250 || r.P99 != 496 && r.P99 != 495 || r.Max < longest*0.499 {
		t.Errorf("%+v", r)
	}
	if n := testing.AllocsPerRun(1000, func() { a.Record(123456, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
