package main

import (
	"context"
	"fmt"
	"strings"

	"barreleye/guest"
)

// usePages uses a page that it has no more, in the way that the argument says.
// Nothing notices unless the run is in the debug mode for pages.
func usePages(args []string) error {
	way := strings.Join(args, " ")
	ctx := context.Background()
	next := (guest.Core() + 1) % guest.Cores()
	pool, err := guest.Pages(next)
	if err != nil {
		return err
	}
	p, err := pool.Take(ctx, 2<<12)
	if err != nil {
		return err
	}
	kept := p.Bytes()
	kept[1<<12] = 1
	switch way {
	case "read", "write":
		err = pool.Give(ctx, p, 0)
	case "released":
		err = p.Release()
	case "granted":
		third := (guest.Core() + 2) % guest.Cores()
		if _, err = guest.Pages(third); err == nil {
			err = pool.Grant(ctx, p, third, 0)
		}
	default:
		return fmt.Errorf("pages needs a way to use them wrongly: read, write, released or granted")
	}
	if err != nil {
		return err
	}
	if way == "write" {
		kept[1<<12] = 2
	}
	return fmt.Errorf("the byte is %d: run with --debug pages", kept[1<<12])
}
