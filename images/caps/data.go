package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"

	"barreleye/guest"
	"barreleye/guest/monitor/caps"
)

// What is written into memory proves who has it mapped: a core fills memory that it alone
// has, and finds it later as it left it; meanwhile all write anything into whatever they
// have mapped of what others know of. Whoever kept something mapped that was revoked would
// write into what is somebody else's by then.

// alone is memory that this core alone has.
type alone struct {
	ram, frame guest.Cap
	at         *guest.Mapping
	word       uint64 // what each word of it holds, less its place
}

// fill takes memory that nobody else has, and fills it.
func fill(ctx context.Context, r *rand.Rand) (a *alone, err error) {
	a = &alone{word: r.Uint64()}
	size := uint64(1+r.IntN(4)) * page
	if a.ram, err = guest.AllocRAM(ctx, size); err != nil {
		return nil, err
	}
	list, err := a.ram.Retype(ctx, caps.Frame, 0, size, 1)
	if err != nil {
		return nil, err
	}
	a.frame = list[0]
	if a.at, err = guest.Map(a.frame, guest.MapOptions{Write: true}); err != nil {
		return nil, err
	}
	b := a.at.Bytes()
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], a.word+uint64(i))
	}
	return a, nil
}

// check reports whether somebody has written into it.
func (a *alone) check() error {
	b := a.at.Bytes()
	for i := 0; i < len(b); i += 8 {
		if got := binary.LittleEndian.Uint64(b[i:]); got != a.word+uint64(i) {
			info, err := a.frame.Info()
			return fmt.Errorf("%v is this core's alone, and somebody wrote %#x at %d: %w", info, got, i, err)
		}
	}
	return nil
}

// scribble writes anything somewhere into memory that may be revoked at any time.
func scribble(m *guest.Mapping, r *rand.Rand) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			err = guest.ErrUnmapped
		}
	}()
	b := m.Bytes()
	if len(b) == 0 {
		return guest.ErrUnmapped
	}
	binary.LittleEndian.PutUint64(b[8*r.IntN(len(b)/8):], r.Uint64())
	return nil
}

// data does something with memory: it takes some, hands on what it had alone, or writes into
// what others know of.
func (w *weather) data(ctx context.Context) error {
	for _, a := range w.alone {
		if err := a.check(); err != nil {
			return err
		}
	}
	for i := 0; i < len(w.mapped); i++ {
		if err := scribble(w.mapped[i], w.r); err != nil {
			w.mapped = append(w.mapped[:i], w.mapped[i+1:]...)
			i--
		}
	}
	switch {
	case len(w.alone) < 2:
		w.did["fill"]++
		a, err := fill(ctx, w.r)
		if err == nil {
			w.alone = append(w.alone, a)
		}
		return err
	case w.r.IntN(3) == 0: // from now on it is not this core's alone
		a := w.alone[0]
		w.alone = w.alone[1:]
		w.mapped = append(w.mapped, a.at)
		w.keep(a.ram, a.frame)
		return nil
	}
	c, ok := w.pick(false)
	if !ok || len(w.mapped) > 8 {
		return nil
	}
	w.did["map"]++
	m, err := guest.Map(c, guest.MapOptions{Write: true})
	if err == nil {
		w.mapped = append(w.mapped, m)
	}
	return err
}

// drop lets go of what is this core's alone.
func (w *weather) drop(ctx context.Context) error {
	for _, a := range w.alone {
		if err := errors.Join(a.check(), a.frame.Delete(ctx), a.ram.Delete(ctx)); err != nil {
			return err
		}
	}
	w.alone = nil
	return nil
}
