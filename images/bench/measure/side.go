// Package measure is both halves of what "barreleye bench urpc" measures between
// two cores, or between two threads of a Linux process: each figure in turns with
// the least that the same memory traffic takes (package limit), in short rounds,
// so that whatever else the machine does hits both. Every message is checked.
//
// The two halves are two Sides over the same memory; both run the same method at
// the same time. Side 0 keeps the samples.
package measure

import (
	"fmt"
	"math"
	"runtime"
	"sync/atomic"

	"barreleye/urpc"
	"barreleye/urpc/limit"
	"barreleye/urpc/pages"
)

// Series is one measurement. Samples and those of its limit are ns per message,
// each the mean of Per messages, in the order measured.
type Series struct {
	Name    string      `json:"name"`
	Params  [][2]string `json:"params,omitempty"`
	Per     int         `json:"per"`
	LimitOf string      `json:"limit_of,omitempty"`
	Samples []float64   `json:"samples"`
	Limit   []float64   `json:"limit,omitempty"`
	Allocs  float64     `json:"allocs"` // objects allocated per message, in ours
}

// Side is one of two sides that measure together. Those who make it fill in all
// exported fields; what they give, both sides see in the same memory.
type Side struct {
	Me     int // 0 or 1
	Conn   *urpc.Conn
	Client *urpc.CallClient // of side 0
	Server *urpc.CallServer // of side 1
	Ring   []limit.Line     // zeroed
	Lines  []limit.Line     // 64, zeroed
	Gate   []limit.Line     // two, zeroed

	CallLine *limit.Line // the line of Client and Server; no call is under way at first

	// Open gives memory for a further channel between the two sides, with rings of
	// so many lines each way, and the link of its end. Both sides call it in the
	// same order.
	Open func(lines int) (own, peer urpc.Side, link urpc.Link, err error)

	// OpenPages gives the pool of pages of the two sides.
	OpenPages func() (*pages.Pool, error)

	Clock       func() uint64               // a counter that is cheap to read
	Nanoseconds func(cycles uint64) float64 // of it

	Series []*Series // what was measured so far

	step   uint64
	ended  uint64 // when a round's messages were through, if before its end
	calls  uint64 // how many of each kind there were so far
	sent   uint64
	first  uint64
	two    uint64
	pair   uint64 // rounds of two lines
	raw    uint64
	vector uint64
}

// pattern is a Series and how to measure it: each function does n messages, on
// both sides at once. Without a limit there is nothing to compare with.
type pattern struct {
	*Series
	every       int // rounds from one sample to the next, 0 for 1
	ours, limit func(n uint64)
}

// warmUp is how many messages to send before the first that counts: where a round
// has few, so many that each line of a ring was written once. The first touch of
// each of its pages costs many times a message.
func (p *pattern) warmUp() int {
	if p.Per == Batch {
		return BaseLines + Batch
	}
	return p.Per
}

// series starts a Series; values of params alternate with their keys.
func series(name string, per int, limitOf string, params ...any) *Series {
	s := &Series{Name: name, Per: per, LimitOf: limitOf}
	for i := 0; i < len(params); i += 2 {
		s.Params = append(s.Params, [2]string{fmt.Sprint(params[i]), fmt.Sprint(params[i+1])})
	}
	return s
}

// turns measures patterns in turns, limits and ours, a number of rounds.
func (s *Side) turns(rounds int, patterns ...pattern) {
	for _, p := range patterns {
		p.Samples = make([]float64, 0, rounds)
		p.Limit = make([]float64, 0, rounds)
		s.Series = append(s.Series, p.Series)
		s.time(p.warmUp(), p.ours)
	}
	for i := range rounds {
		for _, p := range patterns {
			if p.every > 1 && i%p.every != 0 {
				continue
			}
			if p.limit != nil {
				p.Limit = append(p.Limit, s.time(p.Per, p.limit))
			}
			p.Samples = append(p.Samples, s.time(p.Per, p.ours))
		}
	}
	for _, p := range patterns {
		p.Allocs = s.allocs(max(p.Per, 100), p.ours)
	}
}

// time has both sides do n messages, and returns the ns each took.
func (s *Side) time(n int, f func(n uint64)) float64 {
	s.meet()
	s.ended = 0
	start := s.Clock()
	f(uint64(n))
	s.meet() // a stream has ended when its reader has it
	if s.ended == 0 {
		s.ended = s.Clock()
	}
	return s.Nanoseconds(s.ended-start) / float64(n)
}

// allocs has both sides do n messages, and returns how many objects each of them
// had this process allocate, to a hundredth: what else runs allocates now and then.
func (s *Side) allocs(n int, f func(n uint64)) float64 {
	var before, after runtime.MemStats
	if s.Me == 0 {
		runtime.ReadMemStats(&before) // the other side waits, where it can be interrupted
	}
	s.meet()
	f(uint64(n))
	s.meet()
	if s.Me == 0 {
		runtime.ReadMemStats(&after)
	}
	return math.Round(100*float64(after.Mallocs-before.Mallocs)/float64(n)) / 100
}

// meet returns when both sides are here. What this side sent last without a flush,
// the other may have parked for: it is flushed, because here nobody receives.
func (s *Side) meet() {
	s.Conn.Flush()
	s.step++
	atomic.StoreUint64(&s.Gate[s.Me].Words[0], s.step)
	for atomic.LoadUint64(&s.Gate[1-s.Me].Words[0]) < s.step {
		urpc.Pause()
	}
}

// must ends the program: after an error the two sides are no longer in step.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
