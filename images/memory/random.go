package main

import (
	"fmt"
	"math/rand/v2"
)

// arena is the address range of the random steps: 12 MiB, so that some steps
// take whole huge pages.
const (
	arenaSize  = 6 * huge
	arenaPages = arenaSize / page
)

// arenaAt is where it lies: far from where memory is given that asks for no address, or
// the runtime would take what the steps unmap.
const arenaAt = 0x60_0000_0000

// state is what one page of the arena must be.
type state struct {
	mapped bool
	prot   int
	tag    uint64 // its first word
}

// randomSteps does random memory calls on random ranges and checks after each
// that some pages, and at the end that all, are what the model says.
func randomSteps(o *options) error {
	r := rand.New(rand.NewPCG(o.seed, 2))
	at, err := mmap(arenaAt, arenaSize, none)
	if err != nil {
		return err
	}
	model := make([]state, arenaPages)
	for i := range model {
		model[i] = state{mapped: true, prot: none}
	}
	for step := range o.steps {
		from, n := randomRange(r)
		what, err := randomStep(r, at, model, from, n)
		if err == nil {
			err = compare(at, model, from, 1)
		}
		if err == nil {
			err = compare(at, model, from+n-1, 1)
		}
		if err == nil {
			err = compare(at, model, r.IntN(arenaPages), 1)
		}
		if err != nil {
			return fmt.Errorf("seed %d step %d: %s pages [%d,%d): %w", o.seed, step, what, from, from+n, err)
		}
	}
	if err := compare(at, model, 0, arenaPages); err != nil {
		return fmt.Errorf("seed %d, at the end: %w", o.seed, err)
	}
	return munmap(at, arenaSize)
}

// randomRange prefers ranges that end at the edges of huge pages.
func randomRange(r *rand.Rand) (from, n int) {
	const perHuge = huge / page
	switch r.IntN(4) {
	case 0:
		from = r.IntN(arenaPages/perHuge) * perHuge
		n = min((1+r.IntN(3))*perHuge, arenaPages-from)
	case 1:
		from = r.IntN(arenaPages)
		n = min(1+r.IntN(2*perHuge), arenaPages-from)
	default:
		from = r.IntN(arenaPages)
		n = min(1+r.IntN(8), arenaPages-from)
	}
	return from, n
}

func randomStep(r *rand.Rand, at uintptr, model []state, from, n int) (what string, err error) {
	start, size := at+uintptr(from)*page, uintptr(n)*page
	part := model[from : from+n]
	prot := []int{none, read, write, write, write}[r.IntN(5)]
	switch k := r.IntN(10); {
	case k < 3:
		what = fmt.Sprintf("mmap fixed, prot %d,", prot)
		_, err = mmap(start, size, prot)
		for i := range part {
			part[i] = state{mapped: true, prot: prot}
		}
	case k < 5:
		what = fmt.Sprintf("mprotect to %d", prot)
		for _, p := range part {
			if !p.mapped { // Linux refuses ranges with holes
				return "skipped mprotect of", nil
			}
		}
		err = mprotect(start, size, prot)
		for i := range part {
			part[i].prot = prot
		}
	case k < 6:
		what = "munmap"
		err = munmap(start, size)
		clear(part)
	case k < 8:
		what = "DONTNEED"
		for _, p := range part {
			if !p.mapped {
				return "skipped DONTNEED of", nil
			}
		}
		err = madvise(start, size, dontNeed)
		for i := range part {
			part[i].tag = 0
		}
	default:
		what = "write to"
		for i := range part {
			if part[i].mapped && part[i].prot == write {
				part[i].tag = r.Uint64()
				*word(start + uintptr(i)*page) = part[i].tag
			}
		}
	}
	return what, err
}

// compare checks n pages from page from on.
func compare(at uintptr, model []state, from, n int) error {
	for i := from; i < from+n; i++ {
		p, address := model[i], at+uintptr(i)*page
		got, ok := loads(address)
		readable := p.mapped && p.prot != none
		switch {
		case ok != readable:
			return fmt.Errorf("page %d (mapped %v, prot %d): a read went well: %v", i, p.mapped, p.prot, ok)
		case ok && got != p.tag:
			return fmt.Errorf("page %d (mapped %v, prot %d) holds %#x, want %#x", i, p.mapped, p.prot, got, p.tag)
		case ok && p.prot == read && stores(address, ^got):
			return fmt.Errorf("page %d is read-only and was written", i)
		}
	}
	return nil
}
