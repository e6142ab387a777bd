package main

import (
	"bytes"
	"fmt"
	"syscall"
)

// stamp marks every page of a range with a word of its own.
func stamp(at, size uintptr, tag uint64) {
	for o := uintptr(0); o < size; o += page {
		*word(at + o) = tag + uint64(o)
	}
}

// wantStamp checks the marks of stamp.
func wantStamp(at, size uintptr, tag uint64) error {
	for o := uintptr(0); o < size; o += page {
		if got := *word(at + o); got != tag+uint64(o) {
			return fmt.Errorf("page %d of %#x holds %#x, want %#x", o/page, at, got, tag+uint64(o))
		}
	}
	return nil
}

var zeroes [page]byte

func wantZero(at, size uintptr) error {
	for o := uintptr(0); o < size; o += page {
		if !bytes.Equal(bytesOf(at+o, page), zeroes[:]) {
			return fmt.Errorf("page %d of %#x is not zero", o/page, at)
		}
	}
	return nil
}

// with maps memory, hands it to use, and unmaps it.
func with(size uintptr, use func(at uintptr) error) error {
	at, err := mmap(0, size, write)
	if err != nil {
		return err
	}
	if err := use(at); err != nil {
		return err
	}
	return munmap(at, size)
}

func freshIsZero(*options) error {
	for range 3 {
		for _, size := range []uintptr{page, 17 * page, huge + page, 3 * huge} {
			err := with(size, func(at uintptr) error {
				if err := wantZero(at, size); err != nil {
					return err
				}
				for i := range bytesOf(at, size) {
					bytesOf(at, size)[i] = 0xa5 // for whoever gets these frames next
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func unmapGivesBack(o *options) error {
	sizes := []uintptr{8 * huge, huge, 5 * page, 4*huge + 3*page}
	for done, i := uint64(0), 0; done < o.churn; i++ {
		size := sizes[i%len(sizes)]
		err := with(size, func(at uintptr) error {
			stamp(at, size, uint64(i))
			return wantStamp(at, size, uint64(i))
		})
		if err != nil {
			return fmt.Errorf("after %d MiB: %w", done>>20, err)
		}
		done += uint64(size)
	}
	return nil
}

func dontNeedZeroes(*options) error {
	const size = 4*huge + 8*page
	return with(size, func(at uintptr) error {
		stamp(at, size, 7)
		from, n := at+huge-page, uintptr(2*page)
		if err := madvise(from, n, dontNeed); err != nil {
			return err
		}
		if err := wantZero(from, n); err != nil {
			return err
		}
		if err := wantStamp(at, huge-page, 7); err != nil {
			return fmt.Errorf("before the range: %w", err)
		}
		if err := wantStamp(from+n, size-n-(from-at), 7+uint64(from-at+n)); err != nil {
			return fmt.Errorf("behind the range: %w", err)
		}
		// also where it cannot be written
		stamp(at, size, 9)
		if err := mprotect(at, size, read); err != nil {
			return err
		}
		if err := madvise(at, size, dontNeed); err != nil {
			return err
		}
		return wantZero(at, size)
	})
}

func fixedReplaces(*options) error {
	const size = 2*huge + 8*page
	return with(size, func(at uintptr) error {
		stamp(at, size, 3)
		for _, part := range []struct{ from, n uintptr }{{3 * page, page}, {huge, huge}, {0, size}} {
			if _, err := mmap(at+part.from, part.n, write); err != nil {
				return err
			}
			if err := wantZero(at+part.from, part.n); err != nil {
				return err
			}
			stamp(at, size, 3)
		}
		return nil
	})
}

func noneFaults(*options) error {
	const size = huge + 4*page
	return with(size, func(at uintptr) error {
		stamp(at, size, 5)
		if err := mprotect(at, size, none); err != nil {
			return err
		}
		for _, o := range []uintptr{0, page + 8, size - 8} {
			if _, ok := loads(at + o); ok {
				return fmt.Errorf("a read of PROT_NONE memory at offset %#x went well", o)
			}
			if stores(at+o, 1) {
				return fmt.Errorf("a write to PROT_NONE memory at offset %#x went well", o)
			}
		}
		if err := mprotect(at, size, write); err != nil {
			return err
		}
		return wantStamp(at, size, 5)
	})
}

func protectRoundTrip(*options) error {
	const size = 64 * page
	return with(size, func(at uintptr) error {
		stamp(at, size, 11)
		for i := range 200 {
			from := uintptr(i) % 60 * page
			for _, prot := range []int{read, none, write} {
				if err := mprotect(at+from, 4*page, prot); err != nil {
					return err
				}
			}
			*word(at + from) = 11 + uint64(from)
		}
		return wantStamp(at, size, 11)
	})
}

func readOnlyFaults(*options) error {
	return with(4*page, func(at uintptr) error {
		stamp(at, 4*page, 13)
		if err := mprotect(at+page, 2*page, read); err != nil {
			return err
		}
		if stores(at+page, 1) || stores(at+3*page-8, 1) {
			return fmt.Errorf("a write to read-only memory went well")
		}
		if !stores(at, 13) || !stores(at+3*page, 13+3*page) {
			return fmt.Errorf("a write beside read-only memory faulted")
		}
		return wantStamp(at, 4*page, 13)
	})
}

// sparse is a size from which memory is backed page by page.
const sparse = 64 << 20

func sparseOnTouch(*options) error {
	return with(sparse, func(at uintptr) error {
		const step = 1<<20 + 3*page
		for o := uintptr(0); o+page <= sparse; o += step {
			if v := *word(at + o); v != 0 {
				return fmt.Errorf("offset %#x holds %#x", o, v)
			}
			*word(at + o) = uint64(o) + 1
		}
		for o := uintptr(0); o+page <= sparse; o += step {
			if v := *word(at + o); v != uint64(o)+1 {
				return fmt.Errorf("offset %#x holds %#x, want %#x", o, v, o+1)
			}
		}
		if err := madvise(at, sparse, dontNeed); err != nil {
			return err
		}
		for o := uintptr(0); o+page <= sparse; o += step {
			if v := *word(at + o); v != 0 {
				return fmt.Errorf("after DONTNEED offset %#x holds %#x", o, v)
			}
		}
		return nil
	})
}

// driverTouchesSparse passes untouched memory to system calls.
func driverTouchesSparse(*options) error {
	return with(sparse, func(at uintptr) error {
		var fds [2]int
		if err := syscall.Pipe(fds[:]); err != nil {
			return err
		}
		defer syscall.Close(fds[0])
		defer syscall.Close(fds[1])
		text := []byte("through a pipe into memory that was never touched")
		for i := range uintptr(20) {
			// across the end of a page
			to := bytesOf(at+(i+1)*(1<<20)-20, uintptr(len(text)))
			if _, err := syscall.Write(fds[1], text); err != nil {
				return err
			}
			if n, err := syscall.Read(fds[0], to); err != nil || n != len(text) {
				return fmt.Errorf("read of a pipe: %d bytes, %v", n, err)
			}
			if !bytes.Equal(to, text) {
				return fmt.Errorf("read of a pipe gave %q", to)
			}
		}
		return nil
	})
}

func hugeParts(*options) error {
	const size = 6 * huge
	return with(size, func(at uintptr) error {
		at0 := (at + huge - 1) &^ (huge - 1)
		stamp(at, size, 17)
		keep := func(from, to uintptr) error {
			return wantStamp(at0+from, to-from, 17+uint64(at0+from-at))
		}
		// one page out of the middle of a huge one
		if err := munmap(at0+huge+5*page, page); err != nil {
			return err
		}
		if _, ok := loads(at0 + huge + 5*page); ok {
			return fmt.Errorf("a read of unmapped memory went well")
		}
		if err := keep(huge, huge+5*page); err != nil {
			return err
		}
		if err := keep(huge+6*page, 2*huge); err != nil {
			return err
		}
		// across two
		if err := mprotect(at0+3*huge-page, 2*page, read); err != nil {
			return err
		}
		if stores(at0+3*huge-page, 1) || stores(at0+3*huge, 1) {
			return fmt.Errorf("a write to read-only memory went well")
		}
		return keep(2*huge, 4*huge)
	})
}
