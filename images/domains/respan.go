package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"barreleye/guest"
	"barreleye/guest/dispatcher"
	"barreleye/urpc"
)

var absent = flag.Int("absent", 0, "core that is not started, for the show respan")

func init() {
	// brief ends the core of its part before that has begun.
	dispatcher.Define("brief", func(d *dispatcher.Dispatcher) error {
		if d.Domain().Home() != guest.Core() {
			os.Exit(1)
		}
		return nil
	})
}

// showRespan has a domain span to a core that is not started, that ends meanwhile, and
// that ends later and returns. It wants core 1 restarted on failure.
func showRespan() error {
	const core = 1
	ctx := context.Background()
	if guest.Core() != 0 {
		return (<-parts).Wait(ctx)
	}
	brief, err := dispatcher.Start("brief", dispatcher.Options{})
	if err != nil {
		return err
	}
	if *absent != 0 {
		if err := brief.Span(ctx, *absent); !errors.Is(err, guest.ErrGone) {
			return fmt.Errorf("span to core %d, which is not started: %w, want %w", *absent, err, guest.ErrGone)
		}
		fmt.Printf("respan: core %d is not there; the domain runs on cores %v\n", *absent, brief.Cores())
	}
	if err := brief.Span(ctx, core); !errors.Is(err, guest.ErrGone) {
		return fmt.Errorf("span to core %d, which ends meanwhile: %w, want %w", core, err, guest.ErrGone)
	}
	fmt.Printf("respan: core %d ended meanwhile; the domain runs on cores %v\n", core, brief.Cores())
	if err := stop([]*dispatcher.Domain{brief}); err != nil {
		return err
	}

	m, err := dispatcher.Start("adders", dispatcher.Options{})
	if err != nil {
		return err
	}
	d := m.Dispatcher()
	gone := make(chan *dispatcher.Fault, 1)
	d.Post(func() {
		d.OnFault(func(f *dispatcher.Fault) bool {
			gone <- f
			return errors.Is(f, dispatcher.ErrEnded)
		})
	})
	for ends := 0; ; ends++ {
		if err := spanNext(ctx, m, core); err != nil {
			return err
		}
		c, err := m.Dial(ctx, core, guest.ChannelOptions{})
		if err != nil {
			return err
		}
		done := make(chan int, 1)
		d.Post(func() { talk(d, core, c, done) })
		<-done
		fmt.Printf("respan: life %d of core %d: %d messages\n", guest.Lives().Lives[core], core, *messages)
		if ends == 2 {
			break
		}
		d.Post(func() {
			if err := c.Send(ctx, &urpc.Message{Type: typeDie, Len: 8, Words: [7]uint64{1}}); err != nil {
				panic(err)
			}
		})
		f := <-gone
		if f.Core != core || !errors.Is(f, dispatcher.ErrEnded) || len(m.Cores()) != 1 {
			return fmt.Errorf("core %d ended: %w; the domain runs on cores %v", core, f, m.Cores())
		}
	}
	m.Stop()
	return m.Wait(ctx)
}

// spanNext spans to the life of a core that is there, or else to its next one.
func spanNext(ctx context.Context, m *dispatcher.Domain, core int) error {
	for {
		err := m.Span(ctx, core)
		var gone *guest.GoneError
		if !errors.As(err, &gone) {
			return err
		}
		if _, err := guest.WaitPeer(ctx, core, gone.Life); err != nil {
			return err
		}
	}
}
