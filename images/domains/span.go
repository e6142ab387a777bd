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

var (
	messages = flag.Uint64("n", 1000, "messages to each part of a domain that spans")
	die      = flag.Int("die", 0, "core that ends while the domain spans it, 0 for none")
)

// Messages between the parts.
const (
	typeAdd = 1 // word 0: a number; answered by the next one
	typeDie = 2 // word 0: the exit code
)

// parts has the parts of this core's domains that were begun from elsewhere.
var parts = make(chan *dispatcher.Domain, 1)

func init() {
	dispatcher.Define("adders", func(d *dispatcher.Dispatcher) error {
		if d.Domain().Home() == guest.Core() {
			return nil
		}
		parts <- d.Domain()
		return d.Listen(func(c *guest.Conn) {
			err := d.Attach(c, func(m *urpc.Message) {
				if m.Type == typeDie {
					fmt.Println("span: this core ends")
					os.Exit(int(m.Words[0]))
				}
				m.Words[0]++
				if err := c.Send(context.Background(), m); err != nil {
					panic(err)
				}
			}, func(error) { c.Close() })
			if err != nil {
				panic(err)
			}
		})
	})
}

// showSpan has a domain go on on all other cores, and speak to its parts there.
func showSpan() error {
	ctx := context.Background()
	if guest.Core() != 0 {
		return (<-parts).Wait(ctx)
	}
	m, err := dispatcher.Start("adders", dispatcher.Options{})
	if err != nil {
		return err
	}
	d := m.Dispatcher()
	gone := make(chan int, 1)
	d.Post(func() {
		d.OnFault(func(f *dispatcher.Fault) bool {
			fmt.Printf("span: fault: %v\n", f)
			if errors.Is(f, dispatcher.ErrEnded) {
				gone <- f.Core
				return true
			}
			return false
		})
	})
	done := make(chan int, guest.Cores())
	conns := map[int]*guest.Conn{}
	for core := 1; core < guest.Cores(); core++ {
		if err := m.Span(ctx, core); err != nil {
			return err
		}
		if err := m.Span(ctx, core); !errors.Is(err, dispatcher.ErrRunning) {
			return fmt.Errorf("a second span to core %d: %w", core, err)
		}
		c, err := m.Dial(ctx, core, guest.ChannelOptions{})
		if err != nil {
			return err
		}
		conns[core] = c
		d.Post(func() { talk(d, core, c, done) })
	}
	fmt.Printf("span: the domain runs on cores %v\n", m.Cores())
	for range guest.Cores() - 1 {
		<-done
	}
	fmt.Printf("span: %d messages to each of %d parts and their answers\n", *messages, guest.Cores()-1)
	if *die != 0 {
		d.Post(func() {
			if err := conns[*die].Send(ctx, &urpc.Message{Type: typeDie, Len: 8}); err != nil {
				panic(err)
			}
		})
		fmt.Printf("span: core %d is gone; the domain runs on cores %v\n", <-gone, m.Cores())
	}
	m.Stop()
	return m.Wait(ctx)
}

// talk sends numbers to a part, each when the last one's answer is there.
func talk(d *dispatcher.Dispatcher, core int, c *guest.Conn, done chan<- int) {
	next := urpc.Message{Type: typeAdd, Len: 8}
	err := d.Attach(c, func(m *urpc.Message) {
		if m.Words[0] != next.Words[0]+1 {
			panic(fmt.Sprintf("core %d answered %d to %d", core, m.Words[0], next.Words[0]))
		}
		if next.Words[0]++; next.Words[0] == *messages {
			done <- core
			return
		}
		if err := c.Send(context.Background(), &next); err != nil {
			panic(err)
		}
	}, func(err error) {
		fmt.Printf("span: the channel to core %d ended: %v\n", core, err)
		c.Close()
	})
	if err == nil {
		err = c.Send(context.Background(), &next)
	}
	if err != nil {
		panic(err)
	}
}
