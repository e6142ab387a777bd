package monitor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"barreleye/devices/region"
	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/names"
	"barreleye/guest/monitor/routes"
)

// TestLocks: cores take turns at a lock; some die holding it, and come back. Nobody is
// ever inside together with another, and all that live get it as often as they want.
func TestLocks(t *testing.T) {
	t.Run("direct", func(t *testing.T) { testLocks(t, 5, routes.Tree{}) })
	t.Run("tree", func(t *testing.T) { testLocks(t, 7, routes.Balanced(7)) })
}

func testLocks(t *testing.T, n int, tree routes.Tree) {
	const turns = 20
	k := newKernelOver(t, n, tree)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var inside atomic.Int64
	var all sync.WaitGroup
	work := func(c *testCore, dies bool) {
		defer all.Done()
		for i := range turns {
			if err := c.Lock(ctx, "lock"); err != nil {
				t.Errorf("core %d, life %d: lock: %v", c.core, c.life, err)
				return
			}
			if got := inside.Add(1); got != 1 {
				t.Errorf("%d hold the lock", got)
			}
			inside.Add(-1)
			if dies && i == turns/2 {
				k.kill(c.core)
				return
			}
			if err := c.Unlock(ctx, "lock"); err != nil {
				t.Errorf("core %d: unlock: %v", c.core, err)
				return
			}
		}
	}
	all.Add(n + 2)
	for i, c := range k.cores {
		go func() {
			work(c, i < 2)
			if i < 2 {
				work(k.restart(i), false)
			}
		}()
	}
	all.Wait()
}

// TestNames: what one core offers all others find, also one that joined later, until its
// life ends.
func TestNames(t *testing.T) {
	k := newKernel(t, 4)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i, c := range k.cores {
		if err := c.Export(ctx, fmt.Sprint("service ", i), uint64(i), names.Property{Key: "of", Value: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.cores[2].Export(ctx, "service 1", 0); !errors.Is(err, ErrTaken) {
		t.Errorf("taken by another core: %v", err)
	}
	if err := k.cores[2].Withdraw(ctx, "service 1"); !errors.Is(err, ErrNotHeld) {
		t.Errorf("withdraw of another's: %v", err)
	}
	follow := k.cores[2].Follow(func(c *names.Change) bool { return c.Event == names.Withdrawn })
	k.kill(1)
	if c, err := follow.Next(ctx); err != nil || c.Name != "service 1" || c.Core != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	again := k.restart(1)
	var list []names.Service
	if err := again.Names(ctx, func(r *names.Registry) bool {
		list = r.Find(names.Property{Key: "of", Value: "test"})
		return true
	}); err != nil || len(list) != 3 {
		t.Errorf("a core that joined finds %+v, %v", list, err)
	}
	if err := again.Export(ctx, "service 1", 7); err != nil {
		t.Error(err)
	}
	for _, c := range k.cores {
		if err := c.Names(ctx, func(r *names.Registry) bool { s, ok := r.Lookup("service 1"); return ok && s.Number == 7 }); err != nil {
			t.Errorf("core %d: %v", c.core, err)
		}
	}
}

// TestTopics: every core hears all that is published, in the order of each publisher, and
// one that does not listen is told that it missed some.
func TestTopics(t *testing.T) {
	const n, texts = 3, 100
	k := newKernel(t, n)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	topic := func(c *names.Change) bool { return c.Event == names.Published && c.Name == "topic" }
	var follows []*Subscription
	for _, c := range k.cores {
		follows = append(follows, c.Follow(topic))
	}
	var all sync.WaitGroup
	for _, c := range k.cores {
		all.Go(func() {
			for i := range texts {
				if err := c.Publish(ctx, "topic", fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for i, s := range follows {
		next := make([]int, n)
		for range n * texts {
			c, err := s.Next(ctx)
			if err != nil || c.Text != fmt.Sprint(next[c.Core]) {
				t.Fatalf("core %d hears %+v, %v; want %d", i, c, err, next[c.Core])
			}
			next[c.Core]++
		}
		s.Close()
	}
	lags := k.cores[0].Follow(topic)
	one := names.Change{Event: names.Published, Name: "topic"}
	k.cores[0].agreed.mu.Lock()
	for range mostChanges + 1 {
		lags.take(&one)
	}
	k.cores[0].agreed.mu.Unlock()
	for range mostChanges {
		if _, err := lags.Next(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := lags.Next(ctx); !errors.Is(err, ErrLagged) {
		t.Errorf("after more than it has room for: %v", err)
	}
}

// TestBarrier: nobody is a round ahead of anybody who lives.
func TestBarrier(t *testing.T) {
	const n, rounds = 4, 30
	k := newKernel(t, n)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, c := range k.cores {
		if err := c.WaitPeers(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var at [n]atomic.Int64
	var all sync.WaitGroup
	for i, c := range k.cores {
		all.Go(func() {
			b := c.Barrier("barrier", []int{0, 1, 2, 3})
			for round := range int64(rounds) {
				if i == 3 && round == rounds/2 {
					at[i].Store(rounds)
					k.kill(3)
					return
				}
				at[i].Store(round)
				if err := b.Wait(ctx); err != nil {
					t.Error(err)
				}
				for j := range at {
					if other := at[j].Load(); other < round {
						t.Errorf("core %d is through round %d, core %d in round %d", i, round, j, other)
					}
				}
			}
		})
	}
	all.Wait()
}

// TestGivenUp: a lock whose taker stopped waiting for it is free again.
func TestGivenUp(t *testing.T) {
	k := newKernel(t, 2)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range 200 {
		early, stop := context.WithCancel(ctx)
		go stop()
		if k.cores[0].Lock(early, "lock") == nil {
			if err := k.cores[0].Unlock(ctx, "lock"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := k.cores[1].Lock(ctx, "lock"); err != nil {
		t.Fatal(err)
	}
}

// TestMany: more operations at once than a coordinator's window all end.
func TestMany(t *testing.T) {
	k := newKernel(t, 3)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var all sync.WaitGroup
	for i := range 300 {
		all.Go(func() {
			c := k.cores[i%3]
			if err := c.Lock(ctx, fmt.Sprint("lock ", i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, c := range k.cores {
		if err := c.Names(ctx, func(r *names.Registry) bool {
			held := 0
			for i := range 300 {
				if core, ok := r.Holder(fmt.Sprint("lock ", i)); ok && core == i%3 {
					held++
				}
			}
			return held == 300
		}); err != nil {
			t.Errorf("core %d: %v", c.core, err)
		}
	}
}

// TestShortRings: two monitors that have more to say to each other than their rings have
// room for do not wait for each other for ever.
func TestShortRings(t *testing.T) {
	monitors, _ := start(t, 2, routes.Tree{}, func(int) uint64 { return 1 }) // rings of four lines
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	text := strings.Repeat("x", 200) // four lines and more
	var all sync.WaitGroup
	for _, m := range monitors {
		for range 50 {
			all.Go(func() {
				for range 20 {
					if err := m.Publish(ctx, "topic", text); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	all.Wait()
}

// newcomer is a core 1 that is no member before view 2.
type newcomer struct {
	first
	epoch atomic.Uint64
}

func (n *newcomer) Members() (now, begin membership.View) {
	v := membership.View{Epoch: n.epoch.Load(), Members: cores.Of(0), Joining: membership.Nobody}
	if v.Epoch > 1 {
		v.Members, v.Joining, v.JoinEpoch = cores.Of(1), 1, 2
	}
	return v, v
}

// TestBeforeItIsAMember: what a program wants meanwhile waits until its core is one. A core looks
// at the view when it hears of a later one.
func TestBeforeItIsAMember(t *testing.T) {
	var n newcomer
	n.epoch.Store(1)
	m, err := Start(Config{
		Core: 1, Life: 1, Geometry: region.Geometry{Cores: 2, PoolPages: 64}, Memory: memory{},
		Ends:   &ends{channel: func(int) Channel { return channelOf(newLine(64), newLine(64)) }},
		Shared: &n, Hellos: new(atomic.Uint64), Request: new(uint64), Sleeper: never{},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	const programs = 2
	ended := make(chan error, programs)
	for range programs {
		go func() { ended <- m.Publish(ctx, "topic", "text") }()
	}
	for m.Report().Waiting < programs && ctx.Err() == nil {
		runtime.Gosched()
	}
	n.epoch.Store(2)
	if err := m.look(); err != nil {
		t.Fatal(err)
	}
	for range programs {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	a := m.agreed
	for i, hear := range []func(epoch uint64){
		func(epoch uint64) {
			a.hear(0, &agreement.Message{Kind: agreement.KindApply, Seq: 1, All: true, Op: "op", Core: 0, Epoch: epoch})
		},
		func(epoch uint64) {
			a.receive(&agreement.Event{Kind: agreement.EventSnapshot, Snapshot: agreement.Snapshot{Epoch: epoch}})
		},
	} {
		epoch := uint64(3 + i)
		n.epoch.Store(epoch)
		a.mu.Lock()
		hear(epoch)
		a.mu.Unlock()
		if got := a.epoch(); got != epoch {
			t.Errorf("in view %d, want %d", got, epoch)
		}
	}
}
