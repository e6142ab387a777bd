// Package cores holds sets of cores: what the monitors' protocols speak about.
package cores

import (
	"iter"
	"math/bits"
)

// Max is the largest number of cores that a set can hold; they are 0 to Max-1.
const Max = 1024

// SetWords is the number of 64-bit words that a set has at most.
const SetWords = Max / 64

// Set is a set of cores. It is a value: assignment copies it, == compares it. What is done with
// sets of the first cores takes no longer because there could be many more.
type Set struct {
	used  int // words up to the last that is not 0
	words [SetWords]uint64
}

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

// Words returns the words up to the last that is not 0: core c is bit c%64 of word c/64.
func (s *Set) Words() []uint64 { return s.words[:s.used] }

// Word returns word i of SetWords.
func (s *Set) Word(i int) uint64 { return s.words[i] }

// SetWord replaces it.
func (s *Set) SetWord(i int, w uint64) {
	s.words[i] = w
	s.used = max(s.used, i+1)
	s.trim()
}

func (s *Set) trim() {
	for s.used > 0 && s.words[s.used-1] == 0 {
		s.used--
	}
}

// Add puts core c in.
func (s *Set) Add(c int) {
	s.words[c/64] |= 1 << (c % 64)
	s.used = max(s.used, c/64+1)
}

// Remove takes core c out, whether it is in or not.
func (s *Set) Remove(c int) {
	s.words[c/64] &^= 1 << (c % 64)
	s.trim()
}

// Has reports whether core c is in.
func (s *Set) Has(c int) bool { return uint(c) < Max && s.words[c/64]&(1<<(c%64)) != 0 }

// Len returns how many cores are in.
func (s *Set) Len() (n int) {
	for _, w := range s.Words() {
		n += bits.OnesCount64(w)
	}
	return n
}

// Empty reports whether none is in.
func (s *Set) Empty() bool { return s.used == 0 }

// Copy makes it the same as t, word by word: that of a set which has just changed need not
// wait until the change has left the store buffer.
func (s *Set) Copy(t *Set) {
	for i, w := range t.Words() {
		s.words[i] = w
	}
	for i := t.used; i < s.used; i++ {
		s.words[i] = 0
	}
	s.used = t.used
}

// Clear takes all out.
func (s *Set) Clear() {
	if s.used > 0 {
		*s = Set{}
	}
}

// Only reports whether core c is in, and no other.
func (s *Set) Only(c int) bool {
	if s.used != c/64+1 || s.words[c/64] != 1<<(c%64) {
		return false
	}
	for _, w := range s.words[:s.used-1] {
		if w != 0 {
			return false
		}
	}
	return true
}

// Meets reports whether some core is in both sets.
func (s *Set) Meets(t *Set) bool {
	for i := range min(s.used, t.used) {
		if s.words[i]&t.words[i] != 0 {
			return true
		}
	}
	return false
}

// Subtract takes the cores of t out, and reports whether some of them were in.
func (s *Set) Subtract(t *Set) (some bool) {
	var out uint64
	for i := range min(s.used, t.used) {
		out |= s.words[i] & t.words[i]
		s.words[i] &^= t.words[i]
	}
	s.trim()
	return out != 0
}

// Lowest returns the core with the lowest number, -1 if there is none.
func (s *Set) Lowest() int {
	for i, w := range s.Words() {
		if w != 0 {
			return 64*i + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// And returns the cores that are in both sets.
func (s Set) And(t *Set) Set {
	for i, w := range s.Words() {
		s.words[i] = w & t.words[i]
	}
	s.trim()
	return s
}

// Or returns the cores that are in one of both sets.
func (s Set) Or(t *Set) Set {
	for i, w := range t.Words() {
		s.words[i] |= w
	}
	s.used = max(s.used, t.used)
	return s
}

// Without returns the cores of s that are not in t.
func (s Set) Without(t *Set) Set {
	s.Subtract(t)
	return s
}

// All runs through the cores, lowest first.
func (s *Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s.Words() {
			for ; w != 0; w &= w - 1 {
				if !yield(64*i + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}
