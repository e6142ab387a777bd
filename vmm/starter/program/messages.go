package main

import (
	"context"
	"fmt"

	"barreleye/guest"
	"barreleye/urpc"
)

// A message is one cache line: up to 56 bytes of payload and a type, which the
// program chooses. Each kind of message is a Go struct here, with a method that
// encodes it and a function that decodes it.
const (
	typeJob uint16 = iota + 1
	typeResult
)

// Job asks a core to count the primes from From up to, but without, To.
type Job struct{ From, To uint64 }

// Message encodes j: two words of eight bytes.
func (j Job) Message() urpc.Message {
	m := urpc.Message{Type: typeJob, Len: 16}
	m.Words[0], m.Words[1] = j.From, j.To
	return m
}

// ParseJob decodes a Job. What comes from another core is checked: it may run
// another version of the program.
func ParseJob(m urpc.Message) (Job, error) {
	if m.Type != typeJob || m.Len != 16 {
		return Job{}, fmt.Errorf("message of type %d with %d bytes: want a job, type %d with 16 bytes", m.Type, m.Len, typeJob)
	}
	return Job{From: m.Words[0], To: m.Words[1]}, nil
}

// Result answers a Job.
type Result struct{ Primes uint64 }

// Message encodes r: one word.
func (r Result) Message() urpc.Message {
	m := urpc.Message{Type: typeResult, Len: 8}
	m.Words[0] = r.Primes
	return m
}

// ParseResult decodes a Result.
func ParseResult(m urpc.Message) (Result, error) {
	if m.Type != typeResult || m.Len != 8 {
		return Result{}, fmt.Errorf("message of type %d with %d bytes: want a result, type %d with 8 bytes", m.Type, m.Len, typeResult)
	}
	return Result{Primes: m.Words[0]}, nil
}

// receive waits for a message from a core and decodes it. The goroutine
// sleeps meanwhile, and so does the core if it has nothing else to do.
func receive[T any](ctx context.Context, peer int, parse func(urpc.Message) (T, error)) (v T, err error) {
	ch, err := guest.Channel(peer)
	if err != nil {
		return v, err
	}
	var m urpc.Message
	if err := ch.Recv(ctx, &m); err != nil {
		return v, fmt.Errorf("message from core %d: %w", peer, err)
	}
	return parse(m)
}
