package main

import (
	"fmt"
	"math/rand/v2"
)

// registers are the general ones, as the assembly stores them; mxcsr uses half a
// word.
type registers struct {
	rax, rbx, rcx, rdx, rsi, rdi, rbp uint64
	r8, r9, r10, r11                  uint64
	r12, r13, r14, r15                uint64
	flags, mxcsr                      uint64
	base, fs                          uint64 // FS base before and after
}

// vector are the vector registers and the mask registers of AVX-512.
type vector struct {
	lanes [32][8]uint64
	masks [8]uint64
}

//go:noescape
func hold(want, got *registers, wantVector, gotVector *vector, width, count uint64)

//go:noescape
func call(want, got *registers, step uint64)

func spinStepped(n uint64)
func xgetbv() uint64

const (
	flagTF = 1 << 8
	flagNT = 1 << 14
	// flagsAny are those that a program may set and that a register checker can
	// stand: CF PF AF ZF SF DF OF, NT, AC.
	flagsAny = 0x1 | 0x4 | 0x10 | 0x40 | 0x80 | 0x400 | 0x800 | flagNT | 1<<18
	// mxcsrAny are the exception flags, DAZ, rounding and FTZ; all exceptions stay
	// masked.
	mxcsrAny, mxcsrMasked = 0xe07f, 0x1f80
)

// width returns how many bytes of a vector register the CPU lets a program use.
func width() uint64 {
	switch x := xgetbv(); {
	case x&0xe6 == 0xe6:
		return 64
	case x&6 == 6:
		return 32
	}
	return 16
}

// random fills all registers.
func (r *registers) random(rng *rand.Rand) {
	for _, p := range r.general() {
		*p = rng.Uint64()
	}
	r.flags = rng.Uint64()&flagsAny | 0x202
	r.mxcsr = rng.Uint64()&mxcsrAny | mxcsrMasked
}

func (v *vector) random(rng *rand.Rand) {
	for i := range v.lanes {
		for j := range v.lanes[i] {
			v.lanes[i][j] = rng.Uint64()
		}
	}
	for i := range v.masks {
		v.masks[i] = rng.Uint64()
	}
}

// general returns the registers that hold what a program likes.
func (r *registers) general() []*uint64 {
	return append(r.kept(), &r.rax, &r.r11)
}

// kept returns those that a system call preserves.
func (r *registers) kept() []*uint64 {
	return []*uint64{&r.rbx, &r.rdx, &r.rsi, &r.rdi, &r.rbp, &r.r8, &r.r9, &r.r10, &r.r12, &r.r13, &r.r14, &r.r15}
}

// checkHold loads random values into all registers for some time.
func checkHold(rng *rand.Rand, width, count uint64) error {
	var want, got registers
	var wantV, gotV vector
	want.random(rng)
	wantV.random(rng)
	hold(&want, &got, &wantV, &gotV, width, count)
	if err := differ(want.general(), got.general()); err != nil {
		return err
	}
	// A signal's return takes NT away, as Linux's does.
	if (want.flags^got.flags)&flagsAny&^flagNT != 0 {
		return fmt.Errorf("flags are %#x, want %#x", got.flags, want.flags)
	}
	if uint32(got.mxcsr) != uint32(want.mxcsr) || got.rcx != 0 {
		return fmt.Errorf("MXCSR is %#x, want %#x; RCX is %#x", uint32(got.mxcsr), want.mxcsr, got.rcx)
	}
	if err := got.checkBase(); err != nil {
		return err
	}
	n := 16
	if width == 64 {
		n = 32
	}
	for i := range n {
		for j := range width / 8 {
			if gotV.lanes[i][j] != wantV.lanes[i][j] {
				return fmt.Errorf("bits %d on of vector register %d are %#x, want %#x", j*64, i, gotV.lanes[i][j], wantV.lanes[i][j])
			}
		}
	}
	for i := 1; width == 64 && i < len(gotV.masks); i++ {
		if gotV.masks[i] != wantV.masks[i] {
			return fmt.Errorf("mask register %d is %#x, want %#x", i, gotV.masks[i], wantV.masks[i])
		}
	}
	return nil
}

// checkCall makes a system call with random values in all registers.
func checkCall(rng *rand.Rand, step uint64) error {
	var want, got registers
	want.random(rng)
	call(&want, &got, step)
	if got.rax != 1 {
		return fmt.Errorf("getpid returns %d", got.rax)
	}
	if err := got.checkBase(); err != nil {
		return err
	}
	return differ(want.kept(), got.kept())
}

func (r *registers) checkBase() error {
	if r.fs != r.base {
		return fmt.Errorf("FS base is %#x, was %#x", r.fs, r.base)
	}
	return nil
}

func differ(want, got []*uint64) error {
	for i := range want {
		if *got[i] != *want[i] {
			return fmt.Errorf("register %d is %#x, want %#x", i, *got[i], *want[i])
		}
	}
	return nil
}
