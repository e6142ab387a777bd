// Wake measures and checks the wake-up of a sleeping core: core 0 sends core 1
// one message after another, each after a delay drawn from a range, and core 1
// sleeps in between. Every message must be answered; run with "--tick 0" no
// timer interrupt hides a lost wake-up, and with "--poll 0" core 1 halts at
// once. Delays of 0 to 60 us hit every instruction between the last look at
// the ring and the halt. With "-busy 1" core 1 also has a goroutine that computes
// without ever waiting, and the sleeper says how much of its time the messages took;
// and how many of them it read without a tick since they were sent; with "-idle 1000" core 1 waits for that many idle channels beside the one.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"barreleye/devices/region"
	"barreleye/guest"
	"barreleye/urpc"
)

var (
	rounds = flag.Int("n", 10000, "messages")
	most   = flag.Duration("for", time.Hour, "send no more after this time")
	low    = flag.Duration("min", 0, "shortest delay before a message")
	high   = flag.Duration("max", 60*time.Microsecond, "longest delay")
	busy   = flag.Int("busy", 0, "goroutines of core 1 that compute all the time")
	idle   = flag.Int("idle", 0, "further words that core 1 waits for, which never change")
	seed   = flag.Uint64("seed", 1, "seed of the delays")
	asJSON = flag.Bool("json", false, "print the result as JSON")
)

// lostAfter is how long an answer may take: so long that only a lost wake-up
// can explain it, also where the host has much else to do.
const lostAfter = 2 * time.Minute

// Types of messages.
const (
	typeWake = 1 + iota
	typeOver // no more follow
)

// result is what the sender prints as JSON: ns from the send to the sleeper's
// reading, in the order of the messages.
type result struct {
	Samples []float64 `json:"samples_ns"`
	// Taken is what each message took of the computing goroutines' time.
	Taken float64 `json:"taken_ns,omitempty"`
}

func main() {
	flag.Parse()
	var err error
	switch guest.Core() {
	case 0:
		err = sender()
	case 1:
		err = sleeper()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "wake: core %d: %v\n", guest.Core(), err)
		os.Exit(1)
	}
}

// sleeper answers every message at once and sleeps until the next.
func sleeper() error {
	ch, err := guest.Channel(0)
	if err != nil {
		return err
	}
	ctx := context.Background()
	var m urpc.Message
	for range *busy {
		go compute()
	}
	if *idle > 0 {
		if err := waitInVain(*idle); err != nil {
			return err
		}
	}
	for i := range uint64(*rounds) {
		if err := ch.Recv(ctx, &m); err != nil {
			return err
		}
		if m.Type == typeOver {
			return nil
		}
		if m.Words[0] != i {
			return fmt.Errorf("message %d arrived where %d was due", m.Words[0], i)
		}
		m.Words[1], m.Words[2], m.Words[3] = guest.TSC(), taken.Load(), ticks(1)
		if err := ch.Send(ctx, &m); err != nil {
			return err
		}
	}
	return nil
}

// waitInVain has a goroutine wait for n words, each in a cache line of its own as
// the headers of idle channels are.
func waitInVain(n int) error {
	lines := make([][8]uint64, n)
	set, err := guest.Sleeper().(urpc.Watcher).Watch(context.Background(), n)
	if err != nil {
		return err
	}
	for i := range lines {
		if err := set.Arm(i, &lines[i][0], 0); err != nil {
			return err
		}
	}
	go func() {
		changed, err := set.Wait()
		fmt.Fprintf(os.Stderr, "wake: a wait for %d words that nobody changes ended: %v, %v\n", len(lines), changed, err)
		os.Exit(1)
	}()
	return nil
}

// ticks returns how many ticks a core has taken.
func ticks(core int) uint64 {
	return atomic.LoadUint64(&guest.Region().Block(core).Counters.Events[region.EventTick])
}

// taken is how many cycles computing goroutines did not run.
var taken atomic.Uint64

// compute computes for ever. It notes the gaps that are longer than any that the
// CPU's caches make, and shorter than those in which the host runs something else.
func compute() {
	low, high := uint64(3e3/guest.Nanoseconds(1)), uint64(1e6/guest.Nanoseconds(1))
	x, last := uint64(1), guest.TSC()
	for {
		for range 100 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		now := guest.TSC()
		if gap := now - last; gap > low && gap < high || x == 0 {
			taken.Store(taken.Load() + gap)
		}
		last = now
	}
}

func sender() error {
	ch, err := guest.Channel(1)
	if err != nil {
		return err
	}
	ctx := context.Background()
	r := rand.New(rand.NewPCG(*seed, 2))
	cycles := float64(1000) / guest.Nanoseconds(1000) // per ns
	lowC, spread := float64(low.Nanoseconds())*cycles, float64((*high-*low).Nanoseconds())*cycles
	limit := uint64(float64(lostAfter.Nanoseconds()) * cycles)
	var first, latest uint64           // what computing goroutines were taken by the first message, and by this one
	latency := make([]uint32, *rounds) // cycles from send to the sleeper's reading
	without := 0                       // messages that were read before the sleeper's core took another tick
	var m urpc.Message
	start := time.Now()
	for i := range *rounds {
		if i > 0 && time.Since(start) > *most {
			latency = latency[:i]
			if err := ch.Send(ctx, &urpc.Message{Type: typeOver}); err != nil {
				return err
			}
			break
		}
		until := guest.TSC() + uint64(lowC+r.Float64()*spread)
		for guest.TSC() < until {
		}
		m = urpc.Message{Type: typeWake, Len: 24, Words: [7]uint64{uint64(i)}}
		ticked, sent := ticks(1), guest.TSC()
		if err := ch.Send(ctx, &m); err != nil {
			return err
		}
		for {
			err := ch.TryRecv(&m)
			if err == nil {
				break
			}
			if err != urpc.ErrEmpty {
				return err
			}
			if guest.TSC()-sent > limit {
				return fmt.Errorf("lost wake-up: message %d of seed %d was not answered within %v; %s", i, *seed, lostAfter, state())
			}
		}
		if latest = m.Words[2]; i == 0 {
			first = latest
		}
		if m.Words[3] == ticked {
			without++
		}
		latency[i] = uint32(min(m.Words[1]-sent, 1<<32-1))
	}
	each := guest.Nanoseconds(latest-first) / float64(max(1, len(latency)-1))
	if *asJSON {
		res := result{make([]float64, len(latency)), each}
		for i, l := range latency {
			res.Samples[i] = guest.Nanoseconds(uint64(l))
		}
		return json.NewEncoder(os.Stdout).Encode(res)
	}
	slices.Sort(latency)
	at := func(q float64) float64 {
		return guest.Nanoseconds(uint64(latency[min(int(q*float64(len(latency))), len(latency)-1)])) / 1e3
	}
	fmt.Printf("wake: %d messages, none lost; one way min %.1f us, median %.1f us, p99 %.1f us, max %.1f us\n",
		len(latency), at(0), at(0.5), at(0.99), at(1))
	if *busy > 0 {
		fmt.Printf("wake: %d messages read without a tick\n", without)
		fmt.Printf("wake: %.1f us of the computing goroutine's time per message\n", each/1e3)
	}
	return nil
}

// state describes both cores for whoever looks for a lost wake-up.
func state() string {
	v := guest.Region()
	mine, theirs := v.Block(0), v.Block(1)
	return fmt.Sprintf("core 0 rang %d times; core 1: asleep word %d, halts %d, doorbells %d, power %d",
		mine.Counters.Rings, theirs.Asleep, theirs.Counters.Halts, theirs.Counters.Events[region.EventDoorbell], theirs.Power.Load())
}
