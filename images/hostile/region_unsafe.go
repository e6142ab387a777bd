package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
	"unsafe"

	"barreleye/devices/doorbell"
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/guest"
	"barreleye/urpc"
)

// spans are what of the region this core may write.
var spans []region.Span

// scratch is memory to pass to calls.
var scratch [4 << 10]byte

// prepare finds out where to write.
func prepare() {
	for s := range guest.Region().Seen(guest.Core()) {
		if s.Access == region.ReadWrite {
			spans = append(spans, s)
		}
	}
	if inGuest() {
		prepareKernel()
	}
}

// at makes an address a pointer. go vet sees only a load.
func at(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// scribble changes a word that this core may write: most often in what others read, at
// the beginnings of pages, where counters and control words are.
func scribble(rng *rand.Rand) error {
	s := spans[rng.IntN(len(spans))]
	page := s.First + rng.IntN(s.Pages)
	offset := rng.IntN(layout.PageSize / 8)
	if rng.IntN(2) == 0 {
		offset = rng.IntN(32)
	}
	word := (*uint64)(at(layout.RegionVA + uintptr(page*layout.PageSize+offset*8)))
	switch rng.IntN(4) {
	case 0: // as if a little were wrong
		atomic.AddUint64(word, uint64(rng.IntN(5))-2)
	case 1:
		atomic.StoreUint64(word, atomic.LoadUint64(word)^1<<rng.IntN(64))
	default:
		atomic.StoreUint64(word, value(rng))
	}
	return nil
}

// babble sends something, over what may be broken already.
func babble(rng *rand.Rand) error {
	peer := rng.IntN(guest.Cores())
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Microsecond)
	defer cancel()
	m := urpc.Message{Type: uint16(value(rng)), Len: uint8(rng.IntN(256))}
	for i := range m.Words {
		m.Words[i] = value(rng)
	}
	switch rng.IntN(4) {
	case 0:
		client, err := guest.Client(peer)
		if err != nil {
			return err
		}
		return client.Call(ctx, &m)
	case 1:
		pool, err := guest.Pages(peer)
		if err != nil {
			return err
		}
		p, err := pool.TryTake(layout.PageSize * (1 + rng.IntN(3)))
		if err != nil {
			return err
		}
		return pool.Give(ctx, p, value(rng))
	case 2:
		fmt.Printf("%s\n", scratch[:rng.IntN(200)])
		return nil
	}
	ch, err := guest.Channel(peer)
	if err != nil {
		return err
	}
	return ch.Send(ctx, &m)
}

// ring rings a doorbell with a value of its own.
func ring(rng *rand.Rand) error {
	if !inGuest() {
		return ringProcess(rng)
	}
	i := rng.IntN(guest.Cores() + 2)
	if i >= guest.Cores() {
		i = []int{doorbell.VMM, rng.IntN(doorbell.MaxCores)}[i-guest.Cores()]
	}
	if i < guest.Cores() && i != guest.Core() || i == doorbell.VMM || rng.IntN(200) == 0 { // else it ends the core
		*(*uint32)(at(doorbell.VA(i))) = uint32(value(rng))
	}
	return nil
}

// stray uses the region anywhere, and what lies behind it.
func stray(rng *rand.Rand) error {
	access(rng, layout.RegionVA+uintptr(rng.Uint64N(guest.Region().Size()+1<<20))&^7)
	return nil
}

// access reads or writes memory in one of several ways.
func access(rng *rand.Rand, address uintptr) {
	p := at(address)
	switch rng.IntN(6) {
	case 0:
		scratch[0] = *(*byte)(p)
	case 1:
		*(*uint16)(p) = uint16(value(rng))
	case 2:
		*(*uint32)(p) = uint32(value(rng))
	case 3:
		atomic.AddUint64((*uint64)(p), value(rng))
	case 4:
		fill64(unsafe.Slice((*byte)(p), 64))
	case 5:
		*(*uint64)(unsafe.Pointer(&scratch[0])) = *(*uint64)(p)
	}
}

// fill64 copies as the compiler and the runtime like to. In one function with what makes
// the pointer the compiler of Go 1.26 panics.
//
//go:noinline
func fill64(to []byte) { copy(to, scratch[:len(to)]) }
