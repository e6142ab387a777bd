package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"barreleye/guest"
	"barreleye/urpc"

	"golang.org/x/sys/unix"
)

// spinning keeps the compiler from judging the loop.
var spinning = true

func spin(context.Context) error {
	fmt.Println("spinning")
	for spinning {
	}
	return nil
}

func asleep(context.Context) error {
	fmt.Println("sleeping")
	time.Sleep(24 * time.Hour)
	return nil
}

func lopsided(ctx context.Context) error {
	if guest.Core() == 0 {
		runtime.GC() // for who counts collections
		return spin(ctx)
	}
	return asleep(ctx)
}

func sleeps(context.Context) error {
	took := make([]time.Duration, *count)
	for i := range took {
		start := time.Now()
		time.Sleep(*length)
		took[i] = time.Since(start)
		if took[i] < *length {
			return fmt.Errorf("sleep %d of %v was over after %v", i, *length, took[i])
		}
	}
	slices.Sort(took)
	fmt.Printf("%d sleeps of %v: median %v, p99 %v\n", *count, *length, took[*count/2], took[*count*99/100])
	return nil
}

// parks sleeps as sleeps does, and has the core parked meanwhile.
func parks(ctx context.Context) error {
	guest.SetIdle(guest.IdlePark)
	return sleeps(ctx)
}

// Messages of clocks: word 0 is the time at which they were sent.
const (
	typeTime = 1 + iota
	typeLast // core 0 has no more to say after its answer
)

// clocks plays one message between cores 0 and 1 for a while. It carries the monotonic
// time at which it was sent: it must not arrive before, nor may a core's own
// clock go back.
func clocks(ctx context.Context) error {
	if guest.Core() > 1 {
		return nil
	}
	ch, err := guest.Channel(1 - guest.Core())
	if err != nil {
		return err
	}
	first, last, least := monotonic(), uint64(0), ^uint64(0)
	m := urpc.Message{Type: typeTime}
	for n := 0; ; n++ {
		if guest.Core() == 0 || n > 0 {
			now := monotonic()
			if now < last {
				return fmt.Errorf("message %d: the clock went back by %d ns", n, last-now)
			}
			if guest.Core() == 0 && time.Duration(now-first) >= *length {
				m.Type = typeLast
			}
			m.Len, m.Words[0], last = 8, now, now
			if err := ch.Send(ctx, &m); err != nil {
				return err
			}
		}
		if guest.Core() == 1 && m.Type == typeLast {
			fmt.Printf("clocks agree over %d messages, the fastest took %d ns\n", n, least)
			return nil
		}
		if err := ch.Recv(ctx, &m); err != nil {
			return err
		}
		now := monotonic()
		if now < m.Words[0] {
			return fmt.Errorf("message %d arrived %d ns before it was sent", n, m.Words[0]-now)
		}
		if now < last {
			return fmt.Errorf("message %d: the clock went back by %d ns", n, last-now)
		}
		last, least = now, min(least, now-m.Words[0])
		if guest.Core() == 0 && m.Type == typeLast {
			fmt.Printf("clocks agree over %d messages, the fastest took %d ns\n", n+1, least)
			return nil
		}
	}
}

func monotonic() uint64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err)
	}
	return uint64(t.Nano())
}
