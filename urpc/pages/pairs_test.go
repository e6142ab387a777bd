package pages

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"barreleye/urpc/urpctest"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// memories gives every pair of cores its pool, the same at all cores.
type memories struct {
	mu    sync.Mutex
	pages int
	pools map[[2]int][]byte
}

func newMemories(pages int) *memories { return &memories{pages: pages, pools: map[[2]int][]byte{}} }

func (m *memories) of(a, b int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a >= b {
		return nil, fmt.Errorf("pool of %d and %d", a, b)
	}
	if m.pools[[2]int{a, b}] == nil {
		m.pools[[2]int{a, b}] = make([]byte, m.pages*PageSize)
	}
	return m.pools[[2]int{a, b}], nil
}

// cores makes n cores without pools.
func cores(tb testing.TB, n, pages int) (list []*Core) {
	m := newMemories(pages)
	for i := range n {
		list = append(list, must(NewCore(Config{Self: i, Cores: n, Memory: m.of})))
	}
	return list
}

// connect makes the pool of two of them, on rings.
func connect(tb testing.TB, list []*Core, a, b, lines int) (x, y *Pool) {
	ca, cb := urpctest.Rings(tb, lines, 20)
	return must(list[a].Pool(b, ca)), must(list[b].Pool(a, cb))
}

// pair makes two cores and their pool.
func pair(tb testing.TB, pages, lines int) (x, y *Pool) {
	return connect(tb, cores(tb, 2, pages), 0, 1, lines)
}

// limit ends a test that hangs.
func limit(t *testing.T) {
	timer := time.AfterFunc(2*time.Minute, func() { panic("hung") })
	t.Cleanup(func() { timer.Stop() })
}

// is fails the test unless err is want.
func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}
