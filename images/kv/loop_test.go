package main

import (
	"context"
	"strings"
	"testing"

	"barreleye/images/kv/workload"
	"barreleye/urpc"
	"barreleye/urpc/urpctest"
)

// loop is a client and its shard in one process, on channel memory of the heap.
type loop struct {
	client *client
	shard  *shard
	steps  func() (workload.Step, bool)
}

func newLoop(t testing.TB) *loop {
	o := &options{Config: workload.Config{Operations: 1, Keys: 100, ValueBytes: 32, Reads: 60, Deletes: 10}, shards: 1, inflight: 16}
	near, far := urpctest.Rings(t, 256, 0)
	c := makeClient(context.Background(), o, 0, 0, []*urpc.Conn{near})
	return &loop{c, makeShard(context.Background(), 0, []*urpc.Conn{far}), c.steps(1 << 40)}
}

// turn lets the client send what it may, the shard answer, and the client check.
func (l *loop) turn() error {
	if _, err := l.client.issue(l.steps); err != nil {
		return err
	}
	if err := l.shard.round(context.Background()); err != nil {
		return err
	}
	_, err := l.client.collect()
	return err
}

// TestLoop: requests and answers allocate nothing, on either side.
func TestLoop(t *testing.T) {
	l := newLoop(t)
	l.client.took = workload.NewLatencies()
	for range 1000 { // all keys come up
		if err := l.turn(); err != nil {
			t.Fatal(err)
		}
	}
	n := testing.AllocsPerRun(100, func() {
		if err := l.turn(); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations per turn", n)
	}
	if l.client.took.Count() < 16*1000 {
		t.Errorf("%d operations were measured", l.client.took.Count())
	}
}

// TestLostWrites: a shard that forgets is found out.
func TestLostWrites(t *testing.T) {
	l := newLoop(t)
	for range 1000 {
		if err := l.turn(); err != nil {
			t.Fatal(err)
		}
	}
	other := newLoop(t)
	l.shard.store = other.shard.store
	err := l.turn()
	if err == nil || !strings.Contains(err.Error(), "the answer is missing, it must be ") {
		t.Errorf("16 requests to an empty store: %v", err)
	}
}
