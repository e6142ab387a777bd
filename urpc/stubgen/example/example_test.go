package example

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"
	"testing"
	"time"

	"barreleye/urpc"
	"barreleye/urpc/rpc"
	"barreleye/urpc/rpc/inproc"
	"barreleye/urpc/urpctest"
)

// memory is a Store.
type memory struct {
	mu      sync.Mutex
	sums    map[Key]int64
	entries map[Key]Entry
	changed chan struct{} // closed when a sum changes
}

func newMemory() *memory {
	return &memory{sums: map[Key]int64{}, entries: map[Key]Entry{}, changed: make(chan struct{})}
}

func (m *memory) Add(_ context.Context, key Key, n int64) (int64, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, ok := m.sums[key]
	m.sums[key] = old + n
	if n != 0 {
		close(m.changed)
		m.changed = make(chan struct{})
	}
	return old + n, !ok, nil
}

func (m *memory) Put(_ context.Context, e Entry) error {
	m.entries[e.Key] = e
	return nil
}

func (m *memory) Get(_ context.Context, key Key) (Entry, error) {
	e, ok := m.entries[key]
	if !ok {
		return e, fmt.Errorf("key %q: %w", key[:3], ErrNotFound)
	}
	return e, nil
}

func (m *memory) Watch(ctx context.Context, key Key, than int64) (int64, error) {
	for {
		m.mu.Lock()
		sum, changed := m.sums[key], m.changed
		m.mu.Unlock()
		if sum > than {
			return sum, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (m *memory) Swap(_ context.Context, keys []Key, flags []bool, f float32, s uint) ([]bool, []Key, uint, error) {
	return flags, keys, s + uint(f), nil
}

// overChannel returns a Store at the other end of a channel.
func overChannel(t testing.TB, near, far rpc.Channel) *StoreClient {
	client, err := rpc.New(near, rpc.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := rpc.New(far, rpc.Config{Services: []rpc.Service{NewStoreService(newMemory())}})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- server.Serve(context.Background()) }()
	t.Cleanup(func() {
		client.Close()
		if err := <-served; err != urpc.ErrClosed {
			t.Errorf("Serve: %v", err)
		}
	})
	return NewStoreClient(client)
}

// TestStore: the same code runs on every transport.
func TestStore(t *testing.T) {
	t.Run("direct", func(t *testing.T) { testStore(t, newMemory()) })
	t.Run("local", func(t *testing.T) {
		conn, err := rpc.Local(rpc.Config{Services: []rpc.Service{NewStoreService(newMemory())}})
		if err != nil {
			t.Fatal(err)
		}
		testStore(t, NewStoreClient(conn))
	})
	t.Run("rings", func(t *testing.T) {
		near, far := urpctest.Rings(t, 64, 200)
		testStore(t, overChannel(t, near, far))
	})
	t.Run("inproc", func(t *testing.T) {
		near, far := inproc.Pair(inproc.Options{MaxDelay: time.Millisecond})
		testStore(t, overChannel(t, near, far))
	})
}

func testStore(t *testing.T, s Store) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	key := Key{1, 2, 3}
	for i, n := range []int64{5, -7, math.MinInt64 + 2} {
		sum, isNew, err := s.Add(ctx, key, n)
		if want := []int64{5, -2, math.MinInt64}[i]; err != nil || isNew != (i == 0) || sum != want {
			t.Errorf("Add %d: %d, %v, %v", n, sum, isNew, err)
		}
	}
	if _, err := s.Get(ctx, key); !errors.Is(err, ErrNotFound) || err.Error() != `key "\x01\x02\x03": not found` {
		t.Errorf("Get of nothing: %v", err)
	}
	e := Entry{Key: key, Kind: 7, Name: "näme", Data: make([]byte, 1000), Tags: []string{"a", "", "ccc"},
		Weights: [3]float64{math.Inf(-1), 0.1, math.MaxFloat64}, Lifetime: -time.Hour,
		History: []Version{{Number: -1, Parts: [][]uint16{{1, 65535}, nil, {3}}}, {}}}
	e.Inner.Valid, e.Inner.Small, e.Inner.Ratio = true, -128, 0.25
	e.Data[999] = 1
	for _, e := range []Entry{e, {Key: key}} {
		if err := s.Put(ctx, e); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(ctx, key); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("got %+v, want %+v; %v", got, e, err)
		}
	}
	flags, keys, n, err := s.Swap(ctx, []Key{{1}, {2}}, []bool{true, false, true}, 2, 40)
	if !reflect.DeepEqual(flags, []bool{true, false, true}) || !reflect.DeepEqual(keys, []Key{{1}, {2}}) || n != 42 || err != nil {
		t.Error(flags, keys, n, err)
	}
	other := Key{9}
	seen := make(chan error)
	go func() {
		sum, err := s.Watch(ctx, other, 99)
		if err == nil && sum != 100 {
			err = fmt.Errorf("sum %d", sum)
		}
		seen <- err
	}()
	for i := range int64(100) {
		if sum, _, err := s.Add(ctx, other, 1); err != nil || sum != i+1 {
			t.Fatal(sum, err)
		}
	}
	if err := <-seen; err != nil {
		t.Error("Watch:", err)
	}
	short, stop := context.WithTimeout(ctx, time.Millisecond)
	defer stop()
	if _, err := s.Watch(short, other, 1000); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("Watch:", err)
	}
}

// TestOneLine: a call of few bytes takes one line each way, and allocates
// nothing.
func TestOneLine(t *testing.T) {
	near, far := urpctest.Rings(t, 64, 200)
	lines := &counted{Conn: near}
	s := overChannel(t, lines, far)
	ctx := context.Background()
	add := func() {
		if _, _, err := s.Add(ctx, Key{1}, 0); err != nil {
			t.Fatal(err)
		}
	}
	add()
	if lines.sent != 1 || lines.received != 1 {
		t.Errorf("%d lines sent, %d received", lines.sent, lines.received)
	}
	if n := testing.AllocsPerRun(200, add); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// counted counts lines.
type counted struct {
	*urpc.Conn
	sent, received int
}

func (c *counted) TrySend(m *urpc.Message) error {
	c.sent++
	return c.Conn.TrySend(m)
}

func (c *counted) TryRecv(m *urpc.Message) error {
	err := c.Conn.TryRecv(m)
	if err == nil {
		c.received++
	}
	return err
}

// FuzzServe: whatever the arguments are, they are decoded or refused, and what is
// decoded is encoded to the same bytes.
func FuzzServe(f *testing.F) {
	keep := &keeper{}
	conn, err := rpc.Local(rpc.Config{Services: []rpc.Service{keep}})
	if err != nil {
		f.Fatal(err)
	}
	client := NewStoreClient(conn)
	e := Entry{Name: "name", Data: []byte{1}, Tags: []string{"", "b"}, History: []Version{{Parts: [][]uint16{{7}}}}}
	client.Put(context.Background(), e)
	f.Add(methodStorePut, keep.args)
	client.Swap(context.Background(), []Key{{1}}, []bool{true}, 3, 4)
	f.Add(methodStoreSwap, keep.args)
	f.Fuzz(func(t *testing.T, method uint16, args []byte) {
		back := &encoder{client: client}
		_, err := NewStoreService(back).Serve(context.Background(), method, args, nil)
		if errors.Is(err, rpc.ErrDecode) {
			return
		}
		if back.called && string(keep.args) != string(args) {
			t.Errorf("% x was decoded and encoded to % x", args, keep.args)
		}
	})
}

// keeper is a service that keeps arguments.
type keeper struct{ args []byte }

func (*keeper) Methods() []rpc.Method { return NewStoreService(nil).Methods() }

func (k *keeper) Serve(_ context.Context, _ uint16, args, out []byte) ([]byte, error) {
	k.args = append([]byte(nil), args...)
	return out, nil
}

// encoder is a Store that encodes what it is called with.
type encoder struct {
	memory
	client *StoreClient
	called bool
}

func (e *encoder) Put(ctx context.Context, v Entry) error {
	e.called = true
	return e.client.Put(ctx, v)
}

func (e *encoder) Swap(ctx context.Context, keys []Key, flags []bool, f float32, s uint) ([]bool, []Key, uint, error) {
	e.called = true
	e.client.Swap(ctx, keys, flags, f, s)
	return nil, nil, 0, nil
}

func (e *encoder) Add(context.Context, Key, int64) (int64, bool, error) { return 0, false, nil }
func (e *encoder) Watch(context.Context, Key, int64) (int64, error)     { return 0, nil }
func (e *encoder) Get(context.Context, Key) (Entry, error)              { return Entry{}, nil }

// BenchmarkAdd is the smallest call, on the transports.
func BenchmarkAdd(b *testing.B) {
	near, far := urpctest.Rings(b, 64, 200)
	local, err := rpc.Local(rpc.Config{Services: []rpc.Service{NewStoreService(newMemory())}})
	if err != nil {
		b.Fatal(err)
	}
	for name, s := range map[string]Store{"direct": newMemory(), "local": NewStoreClient(local), "rings": overChannel(b, near, far)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.Add(context.Background(), Key{1}, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
