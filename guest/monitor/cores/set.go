// Package cores holds sets of cores: what the monitors' protocols speak about.
package cores

import (
	"iter"
	"math/bits"
)

// Max is the largest number of cores that a set can hold; they are 0 to Max-1.
const Max = 1024

// Set is a set of cores. It is a value: assignment copies it, == compares it.
type Set [Max / 64]uint64

// Of returns the set of the given cores.
func Of(cores ...int) (s Set) {
	for _, c := range cores {
		s.Add(c)
	}
	return s
}

// First returns the set of cores 0 to n-1.
func First(n int) (s Set) {
	for c := range n {
		s.Add(c)
	}
	return s
}

// Add puts core c in.
func (s *Set) Add(c int) { s[c/64] |= 1 << (c % 64) }

// Remove takes core c out, whether it is in or not.
func (s *Set) Remove(c int) { s[c/64] &^= 1 << (c % 64) }

// Has reports whether core c is in.
func (s *Set) Has(c int) bool { return c >= 0 && c < Max && s[c/64]&(1<<(c%64)) != 0 }

// Len returns how many cores are in.
func (s *Set) Len() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// Empty reports whether none is in.
func (s *Set) Empty() bool {
	for i := 0; i < len(s); i += 4 { // most sets have a core in the first few words
		if s[i]|s[i+1]|s[i+2]|s[i+3] != 0 {
			return false
		}
	}
	return true
}

// Only reports whether core c is in, and no other.
func (s *Set) Only(c int) bool {
	if !s.Has(c) {
		return false
	}
	s.Remove(c)
	alone := s.Empty()
	s.Add(c)
	return alone
}

// Meets reports whether some core is in both sets.
func (s *Set) Meets(t *Set) bool {
	for i := 0; i < len(s); i += 4 {
		if s[i]&t[i]|s[i+1]&t[i+1]|s[i+2]&t[i+2]|s[i+3]&t[i+3] != 0 {
			return true
		}
	}
	return false
}

// Subtract takes the cores of t out.
func (s *Set) Subtract(t *Set) {
	for i := range s {
		s[i] &^= t[i]
	}
}

// Lowest returns the core with the lowest number, -1 if there is none.
func (s *Set) Lowest() int {
	for i, w := range s {
		if w != 0 {
			return 64*i + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// And returns the cores that are in both sets.
func (s Set) And(t *Set) Set {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

// Or returns the cores that are in one of both sets.
func (s Set) Or(t *Set) Set {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

// Without returns the cores of s that are not in t.
func (s Set) Without(t *Set) Set {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}

// All runs through the cores, lowest first.
func (s Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(64*i + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}
