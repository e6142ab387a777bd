// Primes counts prime numbers on several cores. It is a multikernel program:
// every core runs this same main, with its own memory and its own Go runtime,
// and the cores share nothing but the messages they send each other.
//
// Core 0 leads: it gives every other core a part of the numbers, counts its
// own part meanwhile, and adds up what the others answer.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"

	"barreleye/guest"
)

func main() {
	log.SetFlags(0)
	limit := uint64(100_000)
	if len(os.Args) > 1 {
		n, err := strconv.ParseUint(os.Args[1], 10, 32)
		if err != nil {
			log.Fatalf("limit %s: want a number from 0 to 4294967295", os.Args[1])
		}
		limit = n
	}
	// The cores tell their parts apart by their numbers.
	play := work
	if guest.Core() == 0 {
		play = func(ctx context.Context) error { return lead(ctx, limit) }
	}
	if err := play(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// lead is core 0's part.
func lead(ctx context.Context, limit uint64) error {
	cores := guest.Cores()
	// First all jobs go out, so that the cores work at the same time.
	for peer := 1; peer < cores; peer++ {
		ch, err := guest.Channel(peer)
		if err != nil {
			return err
		}
		m := share(limit, peer, cores).Message()
		if err := ch.Send(ctx, &m); err != nil {
			return fmt.Errorf("job for core %d: %w", peer, err)
		}
	}
	total := count(share(limit, 0, cores))
	for peer := 1; peer < cores; peer++ {
		result, err := receive(ctx, peer, ParseResult)
		if err != nil {
			return err
		}
		total += result.Primes
	}
	fmt.Printf("%d primes below %d, counted by %d cores\n", total, limit, cores)
	return nil
}

// work is the part of every other core.
func work(ctx context.Context) error {
	job, err := receive(ctx, 0, ParseJob)
	if err != nil {
		return err
	}
	result := Result{Primes: count(job)}
	fmt.Printf("%d primes from %d up to %d\n", result.Primes, job.From, job.To)
	ch, err := guest.Channel(0)
	if err != nil {
		return err
	}
	m := result.Message()
	return ch.Send(ctx, &m)
}

// share is the part of the numbers below limit that a core counts in.
func share(limit uint64, core, cores int) Job {
	n, i := uint64(cores), uint64(core)
	return Job{From: limit * i / n, To: limit * (i + 1) / n}
}

// count returns how many primes there are in a job's numbers.
func count(job Job) (primes uint64) {
	for n := max(job.From, 2); n < job.To; n++ {
		if isPrime(n) {
			primes++
		}
	}
	return primes
}

func isPrime(n uint64) bool {
	for d := uint64(2); d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return true
}
