package main

import "fmt"

// holdMuch maps memory until it has as much as was asked for, and finds in all of it what
// it wrote there.
func holdMuch(o *options) error {
	const size = 2*huge + 3*page
	var held []uintptr
	for n := uint64(0); n < o.hold; n += size {
		at, err := mmap(0, size, write)
		if err != nil {
			return fmt.Errorf("with %d MiB mapped: %w", n>>20, err)
		}
		if err := wantZero(at, size); err != nil {
			return err
		}
		stamp(at, size, n)
		held = append(held, at)
	}
	for i, at := range held {
		if err := wantStamp(at, size, uint64(i)*size); err != nil {
			return err
		}
		if err := munmap(at, size); err != nil {
			return err
		}
	}
	return nil
}
