package workload

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"barreleye/images/kv/store"
)

// Client decides what one client asks, and knows what each answer must be: its
// keys are its own and a store serves the requests for a key in their order, so
// what it wrote last is what it must read, however many requests are under way.
//
// A value is computed from the client, the key and a version, and the version is
// all that the client keeps: a value of another key, another client or an earlier
// time shows.
type Client struct {
	id       uint64
	config   Config
	keys     []store.Key
	versions []uint64 // of the value stored under each key, 0 for none
	last     uint64   // version given last
	script   []move   // drawn before, so that drawing is not measured; repeated
	at       int
}

// move is an operation to come.
type move struct {
	key uint32
	op  store.Op
}

// scriptLength is after how many operations a client begins again: with other
// versions then, but with the same keys.
const scriptLength = 1 << 16

// Step is a request and what its answer has to show.
type Step struct {
	Key     uint32
	Op      store.Op
	Version uint64 // Put: of the new value; Get, Delete: of the value there, 0 for none
}

// NewClient makes client id, from 0 on, of a configuration that passed Check.
func NewClient(c Config, id int) *Client {
	k := &Client{
		id: uint64(id), config: c,
		keys: make([]store.Key, c.Keys), versions: make([]uint64, c.Keys), script: make([]move, scriptLength),
	}
	for i := range k.keys {
		copy(k.keys[i][:], fmt.Sprintf("c%03d:k%010d", id, i))
	}
	rng := rand.New(rand.NewPCG(c.Seed, k.id))
	draw := func() uint64 { return rng.Uint64N(uint64(c.Keys)) }
	if c.Zipf != 0 {
		draw = rand.NewZipf(rng, c.Zipf, 1, uint64(c.Keys-1)).Uint64
	}
	for i := range k.script {
		m := move{key: uint32(draw()), op: store.Put}
		switch p := rng.IntN(100); {
		case p < c.Reads:
			m.op = store.Get
		case p < c.Reads+c.Deletes:
			m.op = store.Delete
		}
		k.script[i] = m
	}
	return k
}

// Fill puts a first value under key i, from 0 to Keys-1.
func (k *Client) Fill(i int) Step { return k.step(move{key: uint32(i), op: store.Put}) }

// Next is the next step of the script. Its request must be sent before any later
// one for the same key.
func (k *Client) Next() Step {
	m := k.script[k.at]
	k.at = (k.at + 1) % scriptLength
	return k.step(m)
}

func (k *Client) step(m move) Step {
	s := Step{Key: m.key, Op: m.op, Version: k.versions[m.key]}
	switch m.op {
	case store.Put:
		k.last++
		s.Version = k.last
		k.versions[m.key] = s.Version
	case store.Delete:
		k.versions[m.key] = 0
	}
	return s
}

// Key is the key that a step is about.
func (k *Client) Key(s *Step) *store.Key { return &k.keys[s.Key] }

// Request makes r the request of a step.
func (k *Client) Request(s *Step, r *store.Request) {
	r.Op, r.Key = s.Op, k.keys[s.Key]
	r.Value = store.Value{}
	if s.Op == store.Put {
		r.Value = k.value(s.Key, s.Version)
	}
}

// Check reports an answer that is not the one to a step.
func (k *Client) Check(s *Step, a *store.Answer) error {
	var want store.Answer
	switch {
	case s.Op == store.Put:
		want.Status = store.Stored
	case s.Version == 0:
		want.Status = store.Missing
	case s.Op == store.Delete:
		want.Status = store.Deleted
	default:
		want = store.Answer{Status: store.Found, Value: k.value(s.Key, s.Version)}
	}
	if *a != want {
		return mismatch(*s, k.keys[s.Key], *a, want)
	}
	return nil
}

// mismatch gets copies, so that nothing which is right is moved to the heap.
func mismatch(s Step, key store.Key, got, want store.Answer) error {
	return fmt.Errorf("%v of %s: the answer is %s, it must be %s", s.Op, key[:], show(got), show(want))
}

func show(a store.Answer) string {
	if a.Status != store.Found {
		return a.Status.String()
	}
	return fmt.Sprintf("%v %x", a.Status, a.Value.Data[:min(a.Value.Len, store.MaxValue)])
}

// value computes a value: four words of SplitMix64, cut to length.
func (k *Client) value(key uint32, version uint64) (v store.Value) {
	x := k.id<<56 ^ uint64(key)<<24 ^ version*0x9e3779b97f4a7c15
	for i := 0; i < store.MaxValue; i += 8 {
		x += 0x9e3779b97f4a7c15
		z := (x ^ x>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		binary.LittleEndian.PutUint64(v.Data[i:], z^z>>31)
	}
	v.Len = uint8(k.config.ValueBytes)
	clear(v.Data[v.Len:])
	return v
}
