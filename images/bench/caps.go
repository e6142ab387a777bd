package main

import (
	"context"
	"fmt"

	"barreleye/guest"
	"barreleye/guest/monitor/caps"
)

// receiveCaps has this core take part in capabilities, and keep what it is sent.
func receiveCaps(ctx context.Context) {
	for {
		if _, _, err := guest.ReceiveCap(ctx); err != nil {
			return
		}
	}
}

// extent is how much memory there is to cut from.
const extent = 1 << 20

// small is how much each of those has that are worked on at once, and the most that comes from
// a core's cache.
const small = 1 << 16

// capFigures are the operations on capabilities: on memory that this core alone has, which
// takes no message, and on memory that core 1 has too, on which all cores agree; and a page
// of memory, from this core's cache, and a piece that is too large for that.
func capFigures(ctx context.Context) ([]figure, error) {
	var p peers
	own, err := guest.AllocRAM(ctx, extent)
	if err != nil {
		return nil, err
	}
	list := []figure{retypeOf(ctx, own), revokeOf(ctx, own, func() error { _, err := own.Copy(); return err })}
	list[0].Series, list[1].Series = p.series("monitor_retype", 1, "held", "here"), p.series("monitor_revoke", 1, "held", "here")
	cut, taken := allocOf(ctx, caps.PageSize), allocOf(ctx, small+caps.PageSize)
	cut.Series, taken.Series = p.series("monitor_ram", 1, "from", "cache"), p.series("monitor_ram", 1, "from", "all")
	taken.trips = 2
	list = append(list, cut, taken)
	if guest.Cores() == 1 {
		return list, nil
	}
	var two [2]guest.Cap
	for i := range two {
		if two[i], err = guest.AllocRAM(ctx, extent); err != nil {
			return nil, err
		}
	}
	share := func(c guest.Cap) error { return c.Send(ctx, 1, caps.All) }
	if err := share(two[0]); err != nil {
		return nil, err
	}
	retype, revoke := retypeOf(ctx, two[0]), revokeOf(ctx, two[1], func() error { return share(two[1]) })
	retype.Series, revoke.Series = p.series("monitor_retype", 1, "held", "there"), p.series("monitor_revoke", 1, "held", "there")
	retype.trips, revoke.trips = 2, 2
	at16, err := capsAtOnce(ctx, share)
	return append(append(list, retype, revoke), at16...), err
}

// capsAtOnce are retype and revoke of memory of its own, by as many goroutines as operations
// are under way. Core 1 has all of it too.
func capsAtOnce(ctx context.Context, share func(guest.Cap) error) ([]figure, error) {
	var p peers
	var cut, lent, parts [inFlight]guest.Cap
	for w := range inFlight {
		for _, c := range []*guest.Cap{&cut[w], &lent[w]} {
			var err error
			if *c, err = guest.AllocRAM(ctx, small); err != nil {
				return nil, err
			}
		}
		if err := share(cut[w]); err != nil {
			return nil, err
		}
	}
	retype := figure{
		Series: p.series("monitor_retype", inFlight, "held", "there", "inflight", fmt.Sprint(inFlight)),
		do: atOnce(func(w, i int) error {
			list, err := cut[w].Retype(ctx, caps.Frame, uint64(i)*caps.PageSize%small, caps.PageSize, 1)
			if err == nil {
				parts[w] = list[0]
			}
			return err
		}),
		after: func() error { return each(&parts, func(c guest.Cap) error { return c.Delete(ctx) }) },
	}
	revoke := figure{
		Series: p.series("monitor_revoke", inFlight, "held", "there", "inflight", fmt.Sprint(inFlight)),
		before: func() error { return each(&lent, share) },
		do:     atOnce(func(w, _ int) error { return lent[w].Revoke(ctx) }),
	}
	return []figure{retype, revoke}, nil
}

// each does something with all.
func each(list *[inFlight]guest.Cap, do func(guest.Cap) error) error {
	for _, c := range list {
		if err := do(c); err != nil {
			return err
		}
	}
	return nil
}

// retypeOf cuts frames out of what a capability names, one at a time.
func retypeOf(ctx context.Context, c guest.Cap) figure {
	var cut []guest.Cap
	return figure{
		do: func(i int) (err error) {
			cut, err = c.Retype(ctx, caps.Frame, uint64(i)*caps.PageSize%extent, caps.PageSize, 1)
			return err
		},
		after: func() error { return cut[0].Delete(ctx) },
	}
}

// allocOf takes memory.
func allocOf(ctx context.Context, size uint64) figure {
	var c guest.Cap
	return figure{
		do:    func(int) (err error) { c, err = guest.AllocRAM(ctx, size); return err },
		after: func() error { return c.Delete(ctx) },
	}
}

// revokeOf takes back what give has given.
func revokeOf(ctx context.Context, c guest.Cap, give func() error) figure {
	return figure{before: give, do: func(int) error { return c.Revoke(ctx) }}
}
