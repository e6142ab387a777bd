package bench

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"sync"
	"time"

	"barreleye/images/kv/store"
	"barreleye/images/kv/workload"
)

// kvProcess runs a store with locks in a process of its own, on as many CPUs as
// the multikernel's cores have.
func kvProcess(s kvStore, cores int, length time.Duration, khz uint64) (r workload.Result, err error) {
	if s.alone {
		cores = 1
	}
	cmd, err := ourBench(cores, "kvprocess", "--", "-lock", s.lock, "-khz", fmt.Sprint(khz),
		"-clients", fmt.Sprint(cores), "-for", length.String(), "-keys", fmt.Sprint(kvKeys/cores))
	if err != nil {
		return r, err
	}
	out, err := outputOn(cores, cmd)
	if err != nil {
		return r, fmt.Errorf("bench: a store in a process: %w: its own lines stand above", err)
	}
	return r, json.Unmarshal(out, &r)
}

// locked is a store that several goroutines share.
type locked interface {
	apply(*store.Request) store.Answer
}

// oneLock is a map under a mutex.
type oneLock struct {
	mu sync.Mutex
	s  *store.Store
}

func (l *oneLock) apply(r *store.Request) store.Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.s.Apply(r)
}

// readLock is a map that several may read at once.
type readLock struct {
	mu sync.RWMutex
	s  *store.Store
}

func (l *readLock) apply(r *store.Request) store.Answer {
	if r.Op == store.Get {
		l.mu.RLock()
		defer l.mu.RUnlock()
	} else {
		l.mu.Lock()
		defer l.mu.Unlock()
	}
	return l.s.Apply(r)
}

// striped is many maps under a mutex each.
type striped [64]struct {
	oneLock
	_ [48]byte // the next one's mutex is in another cache line
}

func (l *striped) apply(r *store.Request) store.Answer {
	return l[store.Shard(&r.Key, len(l))].apply(r)
}

func newLocked(name string) (locked, error) {
	switch name {
	case "mutex":
		return &oneLock{s: store.New()}, nil
	case "rwmutex":
		return &readLock{s: store.New()}, nil
	case "striped":
		l := new(striped)
		for i := range l {
			l[i].s = store.New()
		}
		return l, nil
	}
	return nil, fmt.Errorf("bench: no lock %q: use mutex, rwmutex or striped", name)
}

// KVProcess is the body of that process: it prints its result as the image does.
func KVProcess(w io.Writer, args []string) error {
	var c workload.Config
	f := flag.NewFlagSet("kvprocess", flag.ContinueOnError)
	f.SetOutput(io.Discard) // the error says it
	c.Flags(f)
	lock := f.String("lock", "mutex", "mutex, rwmutex or striped")
	clients := f.Int("clients", 1, "goroutines that are clients")
	khz := f.Uint64("khz", 0, "the TSC's frequency")
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("bench: %w: 'barreleye bench kv' gives the right ones", err)
	}
	if err := c.Check(); err != nil {
		return fmt.Errorf("bench: %w: 'barreleye bench kv' gives the right ones", err)
	}
	if *khz == 0 || *clients < 1 || c.For == 0 {
		return fmt.Errorf("bench: -khz %d -clients %d -for %v: each must be above 0", *khz, *clients, c.For)
	}
	s, err := newLocked(*lock)
	if err != nil {
		return err
	}
	p := &kvClients{config: c, store: s, length: uint64(c.For.Seconds() * 1e3 * float64(*khz)), begin: make(chan struct{})}
	r, err := p.run(*clients, *khz)
	if err != nil {
		return fmt.Errorf("bench: %s: %w: report it", *lock, err)
	}
	return json.NewEncoder(w).Encode(r)
}
