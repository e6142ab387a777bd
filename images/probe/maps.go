package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"

	"barreleye/devices/layout"
	"barreleye/guest"
	"barreleye/guest/cpudriver"
	"barreleye/guest/monitor/caps"
	"barreleye/urpc"
)

// mapFrames has cores do with frames of shared memory what the argument says.
func mapFrames(ctx context.Context) error {
	switch how := flag.Arg(1); how {
	case "sizes", "shown", "private", "refused":
		if guest.Core() > 0 {
			return nil
		}
		return map[string]func(context.Context) error{
			"sizes": mapSizes, "shown": showMapping, "private": mapPrivate, "refused": refuseMaps,
		}[how](ctx)
	case "shared", "unmapped", "revoked", "readonly", "deleted", "moved":
		return mapShared(ctx, how)
	}
	return errors.New("maps sizes|shown|private|refused|shared|unmapped|revoked|readonly|deleted|moved")
}

// frameOf allocates shared memory as one frame.
func frameOf(ctx context.Context, size uint64) (ram, frame guest.Cap, err error) {
	if ram, err = guest.AllocRAM(ctx, size); err != nil {
		return
	}
	list, err := ram.Retype(ctx, caps.Frame, 0, size, 1)
	if err != nil {
		return
	}
	return ram, list[0], nil
}

// sink keeps what is read for its own sake.
var sink byte

// use reads or writes a byte, and returns the fault that this is, nil for none.
func use(b []byte, i int, write bool) (fault error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			fault = r.(runtime.Error)
		}
	}()
	if write {
		b[i] = 42
	} else {
		sink = b[i]
	}
	return nil
}

// wantFault wants a use to be a fault at that address, or none.
func wantFault(what string, m *guest.Mapping, i int, write, want bool) error {
	fault := use(m.Bytes(), i, write)
	if fault == nil && !want {
		return nil
	}
	at, ok := fault.(interface{ Addr() uintptr })
	if !want || !ok || uint64(at.Addr()) != m.Address()+uint64(i) {
		return fmt.Errorf("%s: byte %d, write %v: fault %v, want one: %v", what, i, write, fault, want)
	}
	return nil
}

const (
	page = layout.PageSize
	huge = layout.HugeSize
)

// mapSizes maps frames of all kinds of sizes and places, twice, and uses them.
func mapSizes(ctx context.Context) error {
	_, all, err := frameOf(ctx, 4*huge)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		offset, size uint64
		small        bool
		large        uint64 // that lies on pages of 2 MiB
	}{
		{0, page, false, 0}, {2 * page, 3 * page, false, 0}, {0, huge, false, huge}, {0, huge, true, 0},
		{page, 2 * huge, false, huge}, {huge, 3 * huge, false, 3 * huge}, {huge - page, 2 * page, false, 0},
	} {
		list, err := all.Retype(ctx, caps.Frame, c.offset, c.size, 1)
		if err != nil {
			return err
		}
		if err := mapTwice(list[0], c.small, c.large); err != nil {
			return err
		}
		if err := list[0].Delete(ctx); err != nil {
			return err
		}
	}
	fmt.Println("frames of all sizes are mapped and unmapped")
	return nil
}

func mapTwice(frame guest.Cap, small bool, large uint64) error {
	m, err := guest.Map(frame, guest.MapOptions{Write: true, Small: small})
	if err != nil {
		return err
	}
	b := m.Bytes()
	for i := 0; i < len(b); i += page {
		b[i] = byte(i/page + 3)
	}
	again, err := guest.Map(frame, guest.MapOptions{Small: true})
	if err != nil {
		return err
	}
	for i := 0; i < len(b); i += page {
		if got := again.Bytes()[i]; got != byte(i/page+3) {
			return fmt.Errorf("%v: byte %d is %d", again, i, got)
		}
	}
	if n := m.Large(); n != large && (n != 0 || cpudriver.InGuest()) {
		return fmt.Errorf("%v: %d bytes on large pages, want %d", m, n, large)
	}
	last := len(b) - page
	err = errors.Join(
		wantFault("mapped for reading", again, 0, true, true),
		m.Protect(last, page, guest.ReadOnly),
		wantFault("protected", m, last, true, true), wantFault("protected", m, last, false, false),
		wantFault("not the page that was protected", m, 0, true, last == 0),
		m.Protect(0, len(b), guest.NoAccess), wantFault("no access", m, 0, false, true),
		m.Protect(0, len(b), guest.ReadWrite), wantFault("given back", m, last, true, false), wantFault("given back", m, 0, true, false))
	if err != nil {
		return fmt.Errorf("%v: %w", m, err)
	}
	if err := errors.Join(m.Unmap(), wantFault("unmapped", m, last, false, true), wantFault("unmapped", m, 0, true, true)); err != nil {
		return fmt.Errorf("%v: %w", m, err)
	}
	if err := m.Unmap(); !errors.Is(err, guest.ErrUnmapped) {
		return fmt.Errorf("%v: unmapped twice: %v", m, err)
	}
	// the other one is there as before
	return errors.Join(wantFault("the other mapping", again, 0, false, false), again.Unmap())
}

// showMapping leaves a frame mapped.
func showMapping(ctx context.Context) error {
	_, all, err := frameOf(ctx, 2*huge)
	if err != nil {
		return err
	}
	list, err := all.Retype(ctx, caps.Frame, 0, huge+page, 1)
	if err != nil {
		return err
	}
	m, err := guest.Map(list[0], guest.MapOptions{})
	if err == nil {
		fmt.Println(m)
	}
	return err
}

// refuseMaps tries what takes rights that a capability does not have, and sees what is
// mapped go with its capability, or stay with another one.
func refuseMaps(ctx context.Context) error {
	ram, frame, err := frameOf(ctx, 4*page)
	if err != nil {
		return err
	}
	mint := func(keep caps.Rights) guest.Cap {
		c, e := frame.Mint(keep)
		err = errors.Join(err, e)
		return c
	}
	reads, nothing := mint(caps.Read), mint(caps.Grant)
	if err != nil {
		return err
	}
	want := func(what string, is error) func(*guest.Mapping, error) {
		return func(_ *guest.Mapping, got error) {
			if !errors.Is(got, is) {
				err = errors.Join(err, fmt.Errorf("%s: %v, want %v", what, got, is))
			}
		}
	}
	want("to write by the right to read", caps.ErrRights)(guest.Map(reads, guest.MapOptions{Write: true}))
	want("without a right", caps.ErrRights)(guest.Map(nothing, guest.MapOptions{}))
	want("RAM", caps.ErrType)(guest.Map(ram, guest.MapOptions{}))
	want("nothing", guest.ErrCapGone)(guest.Map(guest.Cap{}, guest.MapOptions{}))
	m, e1 := guest.Map(reads, guest.MapOptions{})
	w, e2 := guest.Map(frame, guest.MapOptions{Write: true})
	if err = errors.Join(err, e1, e2); err != nil {
		return err
	}
	want("to write what was mapped to be read", caps.ErrRights)(nil, m.Protect(0, page, guest.ReadWrite))
	err = errors.Join(err, reads.Delete(ctx),
		wantFault("its capability deleted", m, 0, false, true), wantFault("by another capability", w, 0, true, false))
	want("after that", guest.ErrUnmapped)(nil, m.Protect(0, page, guest.ReadOnly))
	again, e1 := frame.Copy()
	c, e2 := guest.Map(again, guest.MapOptions{})
	if err = errors.Join(err, e1, e2, frame.Revoke(ctx)); err != nil {
		return err
	}
	err = errors.Join(wantFault("its capability revoked", c, 0, false, true), wantFault("by which was revoked", w, 0, true, false),
		ram.Revoke(ctx), wantFault("cut from what was revoked", w, 0, true, true))
	want("after that", guest.ErrCapGone)(guest.Map(frame, guest.MapOptions{}))
	if err == nil {
		fmt.Println("what takes rights is refused, and what has none left is unmapped")
	}
	return err
}

// mapPrivate does the same with a core's own memory, and gives it back: a thousand times, so
// that what would be lost would be missed.
func mapPrivate(ctx context.Context) error {
	for i := range 1000 {
		size := uint64([]int{page, 8 * page, 64 * page, huge}[i%4])
		ram, err := guest.PrivateRAM(size)
		if err != nil {
			return err
		}
		list, err := ram.Retype(ctx, caps.Frame, 0, size, 1)
		if err != nil {
			return err
		}
		m, err := guest.Map(list[0], guest.MapOptions{Write: true})
		if err != nil {
			return err
		}
		clear(m.Bytes())
		m.Bytes()[size-1] = 1
		if n := m.Large(); n != size/huge*huge {
			return fmt.Errorf("%v: %d bytes on large pages", m, n)
		}
		if i%2 == 0 {
			err = errors.Join(err, list[0].Delete(ctx), ram.Delete(ctx))
		} else {
			err = errors.Join(err, ram.Revoke(ctx), ram.Delete(ctx))
		}
		if err = errors.Join(err, wantFault("given back", m, 0, true, true)); err != nil {
			return err
		}
	}
	fmt.Println("private memory is mapped and given back")
	return nil
}

// mapShared has cores 0 and 1 map one frame. Core 1 then loses it, in the way that how says,
// and goes on to use the memory; core 0 does not notice.
func mapShared(ctx context.Context, how string) error {
	if guest.Core() > 1 {
		return nil
	}
	ch, err := guest.Channel(1 - guest.Core())
	if err != nil {
		return err
	}
	frame, err := shareFrame(ctx, how)
	if err != nil {
		return err
	}
	m, err := guest.Map(frame, guest.MapOptions{Write: true})
	if err != nil {
		return err
	}
	b, me := m.Bytes(), guest.Core()
	own, other := me*8*page, (1-me)*8*page
	for i := own; i < own+8*page; i++ {
		b[i] = byte(i + me)
	}
	if err := turn(ctx, ch); err != nil {
		return err
	}
	for i := other; i < other+8*page; i++ {
		if b[i] != byte(i+1-me) {
			return fmt.Errorf("byte %d of core %d is %d", i, 1-me, b[i])
		}
	}
	if err := turn(ctx, ch); err != nil {
		return err
	}
	if me == 0 {
		return keepFrame(ctx, ch, frame, b, how)
	}
	switch how {
	case "readonly":
		err = m.Protect(0, len(b), guest.ReadOnly)
		sink = b[0]
	case "unmapped":
		err = m.Unmap()
	case "deleted":
		err = frame.Delete(ctx)
	case "moved":
		err = frame.Move(ctx, 0, caps.Read)
	case "revoked":
		err = turn(ctx, ch)
	}
	if err == nil && how != "shared" {
		b[5*page] = 1
		err = errors.New("the memory could be used")
	}
	return err
}

// shareFrame has core 1 hold what core 0 allocates.
func shareFrame(ctx context.Context, how string) (frame guest.Cap, err error) {
	if guest.Core() == 1 {
		frame, _, err = guest.ReceiveCap(ctx)
		return frame, err
	}
	if _, frame, err = frameOf(ctx, 16*page); err != nil {
		return frame, err
	}
	return frame, frame.Send(ctx, 1, caps.All)
}

// keepFrame is what core 0 does while core 1 loses the frame.
func keepFrame(ctx context.Context, ch *urpc.Conn, frame guest.Cap, b []byte, how string) error {
	if how == "revoked" {
		if err := frame.Revoke(ctx); err != nil {
			return err
		}
		if err := turn(ctx, ch); err != nil {
			return err
		}
	}
	var gone urpc.Message
	if err := ch.Recv(ctx, &gone); !errors.Is(err, urpc.ErrClosed) {
		return fmt.Errorf("from core 1, which ends: %v", err)
	}
	b[0]++
	fmt.Println("the frame is as it was, for core 0:", b[8*page] == 1)
	return nil
}

// turn waits until both cores are here.
func turn(ctx context.Context, ch *urpc.Conn) error {
	var m urpc.Message
	if err := ch.Send(ctx, &m); err != nil {
		return err
	}
	return ch.Recv(ctx, &m)
}
