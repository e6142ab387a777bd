package main

import (
	"context"

	"barreleye/devices/layout"
	"barreleye/guest"
	"barreleye/guest/monitor/caps"
)

// mapFrames measures what it takes to map a frame, to write to it for the first time, to
// protect it and to unmap it: one of 4 KiB, and one of 2 MiB by one page and by 512.
func mapFrames() (Result, error) {
	ctx := context.Background()
	ram, err := guest.AllocRAM(ctx, layout.HugeSize)
	if err != nil {
		return nil, err
	}
	r := Result{}
	for _, c := range []struct {
		name string
		size uint64
		opt  guest.MapOptions
	}{
		{"4k", layout.PageSize, guest.MapOptions{Write: true}},
		{"2m", layout.HugeSize, guest.MapOptions{Write: true}},
		{"2m_small", layout.HugeSize, guest.MapOptions{Write: true, Small: true}},
	} {
		frame, err := ram.Retype(ctx, caps.Frame, 0, c.size, 1)
		if err != nil {
			return nil, err
		}
		for range *rounds {
			if err := mapOnce(r, c.name, frame[0], c.opt); err != nil {
				return nil, err
			}
		}
		if err := frame[0].Delete(ctx); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func mapOnce(r Result, name string, frame guest.Cap, opt guest.MapOptions) error {
	last := guest.TSC()
	lap := func(what string) {
		r[what+"_"+name] = append(r[what+"_"+name], guest.Nanoseconds(guest.TSC()-last))
		last = guest.TSC()
	}
	m, err := guest.Map(frame, opt)
	if err != nil {
		return err
	}
	lap("map")
	b := m.Bytes()
	b[0]++
	lap("touch")
	if err := m.Protect(0, len(b), guest.ReadOnly); err != nil {
		return err
	}
	lap("protect")
	if err := m.Unmap(); err != nil {
		return err
	}
	lap("unmap")
	return nil
}
