package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"sync/atomic"
	"unsafe"

	"barreleye/guest"
	"barreleye/urpc"
)

// lentPages has core 0 lend core 2 a page of its pool with core 1. What the argument
// says is the first that core 2 does with it; core 0 looks at the outcome.
func lentPages(ctx context.Context) error {
	how := flag.Arg(1)
	switch guest.Core() {
	case 0:
		return lend(ctx, how)
	case 1: // lives as long as core 0
		pool, err := guest.Pages(0)
		if err != nil {
			return err
		}
		if _, _, err := pool.Receive(ctx); !errors.Is(err, urpc.ErrClosed) {
			return fmt.Errorf("the pool with core 0: %v", err)
		}
	case 2:
		pool, err := guest.Pages(0)
		if err != nil {
			return err
		}
		p, _, err := pool.Accept(ctx)
		if err != nil {
			return err
		}
		if err := useLent(p.Bytes(), how); err != nil {
			return err
		}
		if err := pool.Give(ctx, p, 0); err != nil {
			return err
		}
		fmt.Printf("lent pages: %s done\n", how)
	}
	return nil
}

// lent is the word that a lent page begins with.
const lent = 0x1122334455667788

// useLent uses a lent page for the first time.
func useLent(b []byte, how string) error {
	word := (*uint64)(unsafe.Pointer(&b[8]))
	switch how {
	case "load":
		if v := atomic.LoadUint64(word); v != lent {
			return fmt.Errorf("the word is %#x", v)
		}
	case "store":
		atomic.StoreUint64(word, lent+1)
	case "add":
		if v := atomic.AddUint64(word, 1); v != lent+1 {
			return fmt.Errorf("the sum is %#x", v)
		}
	case "copy": // by instructions that KVM cannot emulate
		copy(b, bytes.Repeat([]byte{7}, len(b)))
	case "short": // by such as it does in two steps
		copy(b, bytes.Repeat([]byte{7}, 64))
	case "beyond":
		*(*byte)(unsafe.Add(unsafe.Pointer(&b[0]), 2*len(b))) = 1
	}
	return nil
}

// lend lends a page and checks what comes back.
func lend(ctx context.Context, how string) error {
	with, err := guest.Pages(1)
	if err != nil {
		return err
	}
	to, err := guest.Pages(2)
	if err != nil {
		return err
	}
	p, err := with.Take(ctx, 1<<12)
	if err != nil {
		return err
	}
	*(*uint64)(unsafe.Pointer(&p.Bytes()[8])) = lent
	if err := with.Grant(ctx, p, 2, 0); err != nil {
		return err
	}
	if p, _, err = to.Receive(ctx); err != nil {
		if how == "beyond" {
			return nil // core 2 was ended for it
		}
		return err
	}
	want := uint64(lent)
	switch how {
	case "store", "add":
		want++
	case "copy", "short":
		want = 0x0707070707070707
	}
	if v := *(*uint64)(unsafe.Pointer(&p.Bytes()[8])); v != want {
		return fmt.Errorf("the page came back with %#x, want %#x", v, want)
	}
	return p.Release()
}

// looks is how often core 0 looks at a page that must not change any more.
const looks = 5_000_000

// overwritten has core 1 write to a page that is core 0's by then, for as long as it
// lives. Once core 0 knows of its end, the page must stay as it is.
func overwritten(ctx context.Context) error {
	pool, err := guest.Pages(1 - guest.Core())
	if err != nil {
		return err
	}
	if guest.Core() == 1 {
		p, err := pool.Take(ctx, 1)
		if err != nil {
			return err
		}
		word := (*uint64)(unsafe.Pointer(&p.Bytes()[0]))
		if err := pool.Give(ctx, p, 0); err != nil {
			return err
		}
		fmt.Println("writing")
		for {
			atomic.AddUint64(word, 1)
		}
	}
	p, _, err := pool.Receive(ctx)
	if err != nil {
		return err
	}
	word := (*uint64)(unsafe.Pointer(&p.Bytes()[0]))
	fmt.Println("writing")
	if _, _, err := pool.Receive(ctx); !errors.Is(err, urpc.ErrClosed) {
		return fmt.Errorf("the pool with core 1: %v", err)
	}
	last := atomic.LoadUint64(word)
	for range looks {
		if now := atomic.LoadUint64(word); now != last {
			return fmt.Errorf("core 1, which is over, wrote %d behind %d", now, last)
		}
	}
	fmt.Printf("core 1 is over after %d\n", last)
	return nil
}
