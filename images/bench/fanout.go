package main

import (
	"context"
	"fmt"

	"barreleye/guest"
	"barreleye/images/bench/measure"
	"barreleye/urpc"
	"barreleye/urpc/fanout"
)

// fanBatch is how many operations a sample of a fan-out is the mean of.
const fanBatch = 100

// fanForms are the ways to reach all other cores. In the tree each core has two
// below it.
var fanForms = []struct {
	name  string
	group func(others []int, tree *fanout.Tree) (*fanout.Group, error)
	part  func(tree *fanout.Tree) (*fanout.Member, error)
}{
	{"broadcast", func(others []int, _ *fanout.Tree) (*fanout.Group, error) { return guest.Broadcast(others, fanout.Sum) },
		func(*fanout.Tree) (*fanout.Member, error) { return guest.BroadcastMember(0) }},
	{"unicast", func(others []int, _ *fanout.Tree) (*fanout.Group, error) { return guest.Unicast(others, fanout.Sum) },
		func(*fanout.Tree) (*fanout.Member, error) { return guest.UnicastMember(0) }},
	{"tree", func(_ []int, tree *fanout.Tree) (*fanout.Group, error) { return guest.Multicast(tree, fanout.Sum) },
		func(tree *fanout.Tree) (*fanout.Member, error) { return guest.MulticastMember(tree, fanout.Sum) }},
}

// fanOut measures one message from core 0 to all others until their answers are
// folded into one, in each form.
func fanOut() ([]*measure.Series, error) {
	var cores []int
	for i := range guest.Cores() {
		cores = append(cores, i)
	}
	tree, err := fanout.Balanced(cores, 2)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	var all []*measure.Series
	for _, f := range fanForms {
		if guest.Core() != 0 {
			part, err := f.part(tree)
			if err != nil {
				return nil, err
			}
			err = part.Serve(ctx, func(m *urpc.Message) bool { m.Words[0]++; return false })
			if err != fanout.ErrEnded {
				return nil, err
			}
			continue
		}
		g, err := f.group(cores[1:], tree)
		if err != nil {
			return nil, err
		}
		s := &measure.Series{Name: "fanout", Params: [][2]string{{"form", f.name}, {"members", fmt.Sprint(len(cores) - 1)}}, Per: fanBatch}
		if err := ask(ctx, g, warmUp(len(cores)), uint64(len(cores)-1)); err != nil {
			return nil, err
		}
		for range *rounds {
			start := guest.TSC()
			if err := ask(ctx, g, fanBatch, uint64(len(cores)-1)); err != nil {
				return nil, err
			}
			s.Samples = append(s.Samples, guest.Nanoseconds(guest.TSC()-start)/fanBatch)
		}
		if err := g.Close(ctx); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// warmUp is how many operations come before those that count: where a page's
// first touch would show, so many that each line of a ring is written.
func warmUp(cores int) uint64 {
	if cores > 2 {
		return fanBatch
	}
	return measure.BaseLines + fanBatch
}

// ask does n operations and wants the sum of all members' answers of each.
func ask(ctx context.Context, g *fanout.Group, n, members uint64) error {
	m := urpc.Message{Type: 1}
	for i := range n {
		m.Words[0], m.Len = i, 8
		if err := g.Do(ctx, &m); err != nil {
			return err
		}
		if want := members * (i + 1); m.Words[0] != want {
			return fmt.Errorf("operation %d: answers sum up to %d, want %d", i, m.Words[0], want)
		}
	}
	return nil
}
