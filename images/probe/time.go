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

// clocks plays one message between cores 0 and 1. It carries the monotonic
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
	last, least := uint64(0), ^uint64(0)
	for i := range *count {
		if guest.Core() == 0 || i > 0 {
			now := monotonic()
			if now < last {
				return fmt.Errorf("message %d: the clock went back by %d ns", i, last-now)
			}
			m := urpc.Message{Len: 8, Words: [urpc.WordCount]uint64{now}}
			if err := ch.Send(ctx, &m); err != nil {
				return err
			}
			last = now
		}
		if guest.Core() == 1 || i < *count-1 {
			var m urpc.Message
			if err := ch.Recv(ctx, &m); err != nil {
				return err
			}
			now := monotonic()
			if now < m.Words[0] {
				return fmt.Errorf("message %d arrived %d ns before it was sent", i, m.Words[0]-now)
			}
			if now < last {
				return fmt.Errorf("message %d: the clock went back by %d ns", i, last-now)
			}
			last, least = now, min(least, now-m.Words[0])
		}
	}
	fmt.Printf("clocks agree over %d messages, the fastest took %d ns\n", *count, least)
	return nil
}

func monotonic() uint64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err)
	}
	return uint64(t.Nano())
}
