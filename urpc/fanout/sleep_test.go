package fanout

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"barreleye/urpc"
)

// sleepy is a core of a mesh that sleeps as soon as it waits. Nothing but its
// doorbell ends a sleep, which ends all that are under way there.
type sleepy struct {
	mu     sync.Mutex
	asleep uint64
	rung   chan struct{} // closed by the doorbell, and replaced
	slept  atomic.Int64
	delay  func()
}

func (s *sleepy) ring() {
	s.delay()
	s.mu.Lock()
	defer s.mu.Unlock()
	urpc.ClearAsleep(&s.asleep)
	close(s.rung)
	s.rung = make(chan struct{})
}

// Sleep implements urpc.Sleeper, by the wake-up protocol.
func (s *sleepy) Sleep(ctx context.Context, word *uint64, old uint64) error {
	s.delay()
	s.mu.Lock()
	urpc.PublishAsleep(&s.asleep) // a generation for each, so that each is rung for
	rung := s.rung
	s.mu.Unlock()
	s.delay()
	if atomic.LoadUint64(word) != old {
		return nil
	}
	s.slept.Add(1)
	select {
	case <-rung:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sleepySet is a Watch of such a core: it looks at all its words itself.
type sleepySet struct {
	*sleepy
	ctx     context.Context
	words   []*uint64 // nil where none is armed
	olds    []uint64
	changed []uint32
}

// Watch implements urpc.Watcher.
func (s *sleepy) Watch(ctx context.Context, n int) (urpc.Watch, error) {
	return &sleepySet{sleepy: s, ctx: ctx, words: make([]*uint64, n), olds: make([]uint64, n)}, nil
}

func (s *sleepySet) Arm(place int, word *uint64, old uint64) error {
	s.words[place], s.olds[place] = word, old
	return nil
}

func (s *sleepySet) Disarm(place int) { s.words[place] = nil }
func (s *sleepySet) Close() error     { return nil }

func (s *sleepySet) Wait() ([]uint32, error) {
	for {
		s.delay()
		s.mu.Lock()
		urpc.PublishAsleep(&s.asleep)
		rung := s.rung
		s.mu.Unlock()
		s.delay()
		s.changed = s.changed[:0]
		for i, w := range s.words {
			if w != nil && atomic.LoadUint64(w) != s.olds[i] {
				s.words[i] = nil
				s.changed = append(s.changed, uint32(i))
			}
		}
		if len(s.changed) > 0 {
			return s.changed, nil
		}
		s.slept.Add(1)
		select {
		case <-rung:
		case <-s.ctx.Done():
			return nil, s.ctx.Err()
		}
	}
}

// delays makes a function that lets others run, at random.
func delays(seed uint64) func() {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 3))
	return func() {
		mu.Lock()
		n := rng.IntN(8)
		mu.Unlock()
		for range max(n-4, 0) {
			runtime.Gosched()
		}
	}
}

// TestGroupsOfSleepers: every core sleeps whenever it waits, and no wake-up is lost.
func TestGroupsOfSleepers(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	for _, procs := range []int{1, 2} {
		t.Run(fmt.Sprintf("procs=%d", procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			eachForm(t, []int{5}, func(t *testing.T, form *testForm, mesh *mesh) {
				cores := make([]*sleepy, 6)
				for i := range cores {
					cores[i] = &sleepy{rung: make(chan struct{}), delay: delays(seed + uint64(i))}
				}
				bells := map[[2]int]*urpc.Bell{}
				for from := range cores {
					for to, c := range cores {
						bells[[2]int{from, to}] = &urpc.Bell{Asleep: &c.asleep, Ring: c.ring}
					}
				}
				mesh.link = func(from, to int) urpc.Link {
					return urpc.Link{Epoch: epoch, Polls: -1, Sleeper: cores[from], Bell: bells[[2]int{from, to}]}
				}
				ctx := limit(t)
				g, ends := form.start(mesh, ctx, Sum, square)
				for x := uint64(0); x < 400; {
					burst := min(1+x%Window, 400-x)
					for k := range burst {
						m := number(x + k)
						if err := g.Start(ctx, &m); err != nil {
							t.Fatalf("start %d: %v; repeat with -fanout.seed=%d", x+k, err, seed)
						}
					}
					for range burst {
						var m urpc.Message
						if err := g.Finish(ctx, &m); err != nil {
							t.Fatalf("operation %d: %v; repeat with -fanout.seed=%d", x, err, seed)
						}
						if err := wantSum(&m, x, mesh.members()); err != nil {
							t.Fatal(err)
						}
						x++
					}
				}
				if err := g.Close(ctx); err != nil {
					t.Fatal(err)
				}
				for _, i := range mesh.members() {
					if err := <-ends[i]; err != ErrEnded {
						t.Errorf("core %d: %v; repeat with -fanout.seed=%d", i, err, seed)
					}
				}
				for i, c := range cores {
					if c.slept.Load() == 0 {
						t.Errorf("core %d never slept", i)
					}
				}
			})
		})
	}
}
