// Soak works a core hard for a while and checks everything it gets: the Go
// runtime's goroutines, channels, collector, timers, signals and threads, and
// messages with every other core. A value that is not what it must be is
// printed, and the core ends with code 1.
//
// It needs the tick: some goroutines never call anything and must be preempted.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"barreleye/guest"
)

// worker is one goroutine's task: a round checks something and returns an
// error where it fails. Rounds are short, so that the soak can end.
type worker struct {
	name  string
	round func(*rand.Rand) error
	count atomic.Uint64
}

func workers() []*worker {
	w := func(name string, round func(*rand.Rand) error) *worker { return &worker{name: name, round: round} }
	return []*worker{
		w("channels", channels), w("select", selects), w("sync", syncs),
		w("maps", mapRound), w("slices", slices), w("trees", trees), w("free", freeMemory), w("cleanups", cleanups),
		w("floats", floats), w("sha256", hashes), w("aes", ciphers), w("bytes", copies), w("big", bigNumbers),
		w("timers", timers), w("tickers", tickers),
		w("panics", panics), w("recursion", recursion), w("preemption", preemption),
		w("threads", threads), w("pipes", pipes),
	}
}

// soak is what one core's workers share.
type soak struct {
	seed     uint64
	deadline time.Time
	wg       sync.WaitGroup
}

// dies is a flag of -lives.
var dies = flag.Bool("dies", false, "with -lives: end by an error after up to 20 s")

func main() {
	length := flag.Duration("for", 10*time.Second, "how long")
	seed := flag.Uint64("seed", 1, "seed of everything random")
	only := flag.String("only", "", "comma-separated workers to run alone")
	lives := flag.Bool("lives", false, "exchange messages with cores that die and return, until this one is asked to end")
	flag.Parse()
	if *lives {
		live()
		return
	}
	s := &soak{seed: *seed, deadline: time.Now().Add(*length)}

	peers, err := s.exchange()
	if err != nil {
		s.fail("messages", err)
	}
	var running []*worker
	for _, w := range workers() {
		if *only == "" || strings.Contains(","+*only+",", ","+w.name+",") {
			running = append(running, w)
			s.wg.Go(func() { s.work(w) })
		}
	}
	s.wg.Wait()

	rounds, each := uint64(0), []string{}
	for _, w := range running {
		n := w.count.Load()
		rounds += n
		each = append(each, fmt.Sprintf("%s %d", w.name, n))
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Printf("soak: ok: %d rounds (%s), %d messages, %d GCs, %d MiB allocated, seed %d\n",
		rounds, strings.Join(each, ", "), peers.Load(), m.NumGC, m.TotalAlloc>>20, s.seed)
}

// over reports whether the soak's time is up.
func (s *soak) over() bool { return !time.Now().Before(s.deadline) }

// rand returns a generator of its own for each purpose.
func (s *soak) rand(name string) *rand.Rand {
	h := uint64(guest.Core())
	for _, c := range name {
		h = h*31 + uint64(c)
	}
	return rand.New(rand.NewPCG(s.seed, h))
}

func (s *soak) work(w *worker) {
	r := s.rand(w.name)
	for first := true; first || !s.over(); first = false {
		if err := w.round(r); err != nil {
			s.fail(fmt.Sprintf("%s: round %d", w.name, w.count.Load()), err)
		}
		w.count.Add(1)
		runtime.Gosched()
	}
}

// fail ends the core.
func (s *soak) fail(what string, err error) {
	fmt.Fprintf(os.Stderr, "soak: FAILED: core %d: %s: %v (seed %d)\n", guest.Core(), what, err, s.seed)
	os.Exit(1)
}
