package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestKV runs the store in several shapes. The image checks every answer and, at
// each end of a channel, the counts of the other; here they are added up.
func TestKV(t *testing.T) {
	n := scaled(200_000, 4_000)
	shapes := []struct {
		cores, shards int
		args          []string
	}{
		{2, 1, nil},
		{2, 1, []string{"-inflight", "1", "-value", "3"}},
		{4, 2, nil}, // more than the CPUs, on a small machine
		{4, 1, []string{"-zipf", "1.1", "-reads", "50", "-deletes", "20"}},
		{4, 3, []string{"-inflight", "500"}},
	}
	for _, c := range shapes[:scaled(len(shapes), 3)] {
		args := append([]string{"-n", fmt.Sprint(n), "-keys", "2000", "-shards", fmt.Sprint(c.shards),
			"-seed", fmt.Sprint(time.Now().UnixNano() % 1e9)}, c.args...)
		t.Run(fmt.Sprintf("%d cores %d shards %s", c.cores, c.shards, strings.Join(c.args, " ")), func(t *testing.T) {
			t.Log(args)
			o := boot(t, "kv", c.cores, args...)
			o.wantOK()
			wantKV(o, c.cores-c.shards, c.shards, n)
		})
	}
}

// wantKV wants as many right answers as requests served, and a result of n.
func wantKV(o *outcome, clients, shards, n int) {
	o.t.Helper()
	answers, served := 0, 0
	for core := range clients {
		var number, right int
		line := strings.Join(o.logged(core, "client "), "")
		if _, err := fmt.Sscanf(line, "client %d: all %d answers are right", &number, &right); err != nil || number != core {
			o.t.Errorf("core %d: %q: %v", core, line, err)
		}
		answers += right
	}
	for i := range shards {
		var number, all, gets, puts, deletes int
		line := strings.Join(o.logged(clients+i, "shard "), "")
		if _, err := fmt.Sscanf(line, "shard %d: served %d operations (%d gets, %d puts, %d deletes)", &number, &all, &gets, &puts, &deletes); err != nil ||
			number != i || all != gets+puts+deletes || all == 0 {
			o.t.Errorf("core %d: %q: %v", clients+i, line, err)
		}
		served += all
	}
	if answers != served || answers <= n {
		o.t.Errorf("%d right answers, %d requests served; more than %d, and the same, expected", answers, served, n)
	}
	table := o.logged(0, " ")
	if len(table) != 2 || len(strings.Fields(table[1])) != 8 || strings.Fields(table[1])[0] != fmt.Sprint(n) {
		o.t.Errorf("core 0 printed %q, want a result of %d operations", table, n)
	}
}

func TestKVForATime(t *testing.T) {
	o := boot(t, "kv", 2, "-for", "200ms", "-json")
	o.wantOK()
	if log := o.log(0); !strings.HasPrefix(log, `{"operations":`) || strings.Count(log, "\n") != 1 {
		t.Errorf("core 0 printed %q, want one line of JSON", log)
	}
	if log := o.log(1); log != "" {
		t.Errorf("core 1 printed %q", log)
	}
}

func TestKVRefuses(t *testing.T) {
	for _, c := range []struct {
		cores int
		args  []string
		line  string
	}{
		{1, nil, "kv: 1 core: a shard and a client need one each"},
		{2, []string{"-shards", "2"}, "kv: -shards 2 of 2 cores: use 1 to 1"},
		{2, []string{"-value", "33"}, "kv: -value 33: "},
	} {
		o := boot(t, "kv", c.cores, c.args...)
		o.wantLine(0, c.line)
		if o.ExitCode != 2 || strings.Count(o.console(), "kv: ") != 1 {
			t.Errorf("code %d, want 2 and one line about it: %s", o.ExitCode, o.console())
		}
	}
}
