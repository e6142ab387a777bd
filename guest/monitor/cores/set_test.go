package cores

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSet compares sets with maps over random operations.
func TestSet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var s Set
		want := map[int]bool{}
		for range r.IntN(300) {
			c := r.IntN(Max)
			if r.IntN(3) == 0 {
				s.Remove(c)
				delete(want, c)
			} else {
				s.Add(c)
				want[c] = true
			}
		}
		var list []int
		for c := range s.All() {
			list = append(list, c)
		}
		if len(list) != len(want) || s.Len() != len(want) || !slices.IsSorted(list) || s != Of(list...) {
			t.Fatalf("%v, want %v", list, want)
		}
		lowest := -1
		if len(list) > 0 {
			lowest = list[0]
		}
		if s.Lowest() != lowest {
			t.Fatalf("lowest is %d, want %d", s.Lowest(), lowest)
		}
		for c := -1; c <= Max; c++ {
			if s.Has(c) != want[c] {
				t.Fatalf("core %d: %v, want %v", c, s.Has(c), want[c])
			}
		}
		var copied Set
		for _, start := range []Set{{}, First(Max), Of(3), s} {
			if start.Copy(&s); start != s {
				t.Fatalf("%v, want %v", start, s)
			}
		}
		for _, i := range r.Perm(SetWords) {
			copied.SetWord(i, ^uint64(0)) // whatever was there
			copied.SetWord(i, s.Word(i))
		}
		if copied != s || len(s.Words()) > 0 && s.Words()[len(s.Words())-1] == 0 || len(s.Words()) < (s.Len()+63)/64 {
			t.Fatalf("%v of words %x, want %v", copied, s.Words(), s)
		}
		if copied.Clear(); copied != (Set{}) || !copied.Empty() {
			t.Fatalf("%v is left", copied)
		}
		half := First(Max / 2)
		low, high := s.And(&half), s.Without(&half)
		for c := range s.All() {
			if low.Has(c) == high.Has(c) || low.Has(c) != (c < Max/2) {
				t.Fatalf("core %d is in the wrong half", c)
			}
		}
		if low.Len()+high.Len() != s.Len() {
			t.Fatal("halves are not the whole")
		}
		odd := s.Without(&s)
		for c := 1; c < Max; c += 2 {
			odd.Add(c)
		}
		common := low.And(&odd)
		if both := low.Or(&odd); both.Len() != low.Len()+odd.Len()-common.Len() || both.Without(&odd) != low.Without(&odd) || both.And(&odd) != odd {
			t.Fatalf("%v or the odd ones are %v", low, both)
		}
		for c := range s.All() { // ending early is no error
			if c != lowest {
				t.Fatal(c)
			}
			break
		}
	}
}

// TestInPlace compares what is done with sets in place with what is done by value.
func TestInPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		var s, u Set
		for range r.IntN(4) {
			s.Add(r.IntN(Max))
		}
		for range r.IntN(200) {
			u.Add(r.IntN(Max))
		}
		if s.Empty() != (s == Set{}) || s.Meets(&u) != (s.And(&u) != Set{}) {
			t.Fatalf("%v and %v: empty %v, meet %v", s, u, s.Empty(), s.Meets(&u))
		}
		before := s
		for c := range Max {
			if s.Only(c) != (s == Of(c)) || s != before {
				t.Fatalf("%v: only %d: %v", before, c, s.Only(c))
			}
		}
		if s.Subtract(&u); s != before.Without(&u) {
			t.Fatalf("%v without %v: %v", before, u, s)
		}
	}
}
