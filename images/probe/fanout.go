package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"

	"barreleye/guest"
	"barreleye/urpc"
	"barreleye/urpc/fanout"
)

// fanForm is a form of fan-out: how to make both of its ends.
type fanForm struct {
	name  string
	group func() (*fanout.Group, error)
	part  func() (*fanout.Member, error)
}

var fanForms = []fanForm{
	{"broadcast", func() (*fanout.Group, error) { return guest.Broadcast(others(), fanout.Sum) },
		func() (*fanout.Member, error) { return guest.BroadcastMember(0) }},
	{"unicast", func() (*fanout.Group, error) { return guest.Unicast(others(), fanout.Sum) },
		func() (*fanout.Member, error) { return guest.UnicastMember(0) }},
	{"multicast", func() (*fanout.Group, error) {
		tree, err := fanTree()
		if err != nil {
			return nil, err
		}
		return guest.Multicast(tree, fanout.Sum)
	}, func() (*fanout.Member, error) {
		tree, err := fanTree()
		if err != nil {
			return nil, err
		}
		return guest.MulticastMember(tree, fanout.Sum)
	}},
}

// others are all cores but core 0.
func others() (list []int) {
	for i := 1; i < guest.Cores(); i++ {
		list = append(list, i)
	}
	return list
}

// fanTree gives each core two below it.
func fanTree() (*fanout.Tree, error) { return fanout.Balanced(append([]int{0}, others()...), 2) }

func fanOut(ctx context.Context) error {
	for _, f := range fanForms {
		if err := f.run(ctx, false); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

func fanLoss(ctx context.Context) error {
	for _, f := range fanForms {
		if f.name == flag.Arg(1) {
			return f.run(ctx, true)
		}
	}
	return fmt.Errorf("no form %q", flag.Arg(1))
}

// run has core 0 ask and the others answer. With crash, core 1 ends half-way.
func (f *fanForm) run(ctx context.Context, crash bool) error {
	if guest.Core() == 0 {
		return f.ask(ctx, crash)
	}
	part, err := f.part()
	if err != nil {
		return err
	}
	answered := 0
	err = part.Serve(ctx, func(m *urpc.Message) bool {
		if crash && guest.Core() == gone && m.Words[0] == uint64(*count)/2 {
			panic("this core's end, with a request in hand")
		}
		m.Words[0] += uint64(guest.Core())
		answered++
		return false
	})
	if err == fanout.ErrEnded {
		err = nil
	}
	fmt.Printf("%s: core %d answered %d times\n", f.name, guest.Core(), answered)
	return err
}

// ask wants the sum of the answers each time, and the loss of the core that
// crashes once. Every 64 operations it lets the others fall asleep.
func (f *fanForm) ask(ctx context.Context, crash bool) error {
	g, err := f.group()
	if err != nil {
		return err
	}
	for i := range *count {
		m := urpc.Message{Len: 8, Words: [urpc.WordCount]uint64{uint64(i)}}
		err := g.Do(ctx, &m)
		var lost *fanout.LostError
		if crash && i == *count/2 && errors.As(err, &lost) && slices.Equal(lost.Cores, []int{gone}) {
			fmt.Println(err)
			err = nil
		}
		if err != nil {
			return fmt.Errorf("operation %d: %w", i, err)
		}
		sum := uint64(0)
		for _, core := range g.Members() {
			sum += uint64(i + core)
		}
		if m.Words[0] != sum {
			return fmt.Errorf("operation %d: answers sum up to %d, want %d", i, m.Words[0], sum)
		}
		if i%64 == 63 {
			time.Sleep(2 * time.Millisecond)
		}
	}
	fmt.Printf("%s: %d operations, %d members left\n", f.name, *count, len(g.Members()))
	return g.Close(ctx)
}
