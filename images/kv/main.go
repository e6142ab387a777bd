// Kv is a key-value store with one shard per core. The last cores hold the
// shards: each has a map of its own, which nobody else can reach, and serves
// requests in the order in which they come. The first cores are clients: they
// send requests over the channel to the shard that a key's hash names, a number
// of them at a time, check every answer, and take its time. No lock is taken, no
// memory is shared.
//
// A run: clients store their keys and warm up; core 0 hears that all are ready
// and says go; clients measure, tell each shard that they are done and compare
// counts; core 0 gathers what they measured and prints it. docs/explanation/kv.md explains it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"barreleye/guest"
	"barreleye/images/kv/workload"
	"barreleye/urpc"
)

// options are the command line, the same on every core.
type options struct {
	workload.Config
	shards   int
	inflight int
	json     bool
}

func main() {
	o := options{shards: max(guest.Cores()/2, 1)}
	o.Flags(flag.CommandLine)
	flag.IntVar(&o.shards, "shards", o.shards, "cores that hold a shard; the others are clients")
	flag.IntVar(&o.inflight, "inflight", 16, "requests that a client has under way at each shard")
	flag.BoolVar(&o.json, "json", false, "core 0 prints nothing but one line of JSON")
	flag.Parse()
	if err := o.check(guest.Cores()); err != nil {
		if guest.Core() == 0 {
			fmt.Fprintf(os.Stderr, "kv: %v\n", err)
		}
		os.Exit(2)
	}
	err := run(context.Background(), &o)
	if errors.Is(err, urpc.ErrClosed) {
		err = fmt.Errorf("%w: it ended before this core was done with it: its log says why", err)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "kv: core %d: %v\n", guest.Core(), err)
		os.Exit(1)
	}
}

// maxInflight is below the lines of a ring, up to 32 cores; longer queues only
// add to the latency.
const maxInflight = 500

func (o *options) check(cores int) error {
	switch {
	case cores < 2:
		return fmt.Errorf("%d core: a shard and a client need one each: use --cores 2 or more", cores)
	case flag.NArg() > 0:
		return fmt.Errorf("argument %q: there are only flags: use -h to see them", flag.Arg(0))
	case o.shards < 1 || o.shards >= cores:
		return fmt.Errorf("-shards %d of %d cores: use 1 to %d, so that a client is left", o.shards, cores, cores-1)
	case o.inflight < 1 || o.inflight > maxInflight:
		return fmt.Errorf("-inflight %d: use 1 to %d", o.inflight, maxInflight)
	}
	return o.Check()
}

// run is this core's part.
func run(ctx context.Context, o *options) error {
	if err := guest.WaitPeers(ctx); err != nil {
		return err
	}
	clients := o.clients()
	if me := guest.Core(); me >= clients {
		conns, err := channels(0, clients)
		if err != nil {
			return err
		}
		return makeShard(ctx, me-clients, conns).run(ctx, o)
	}
	conns, err := channels(clients, o.shards)
	if err != nil {
		return err
	}
	return makeClient(ctx, o, guest.Core(), clients, conns).run(ctx)
}

// clients is how many cores are clients: the first ones.
func (o *options) clients() int { return guest.Cores() - o.shards }

// channels opens the channels to n cores, from the first one on.
func channels(first, n int) (conns []*urpc.Conn, err error) {
	for peer := first; peer < first+n; peer++ {
		ch, err := guest.Channel(peer)
		if err != nil {
			return nil, err
		}
		conns = append(conns, ch)
	}
	return conns, nil
}

// receivers are the channels' receiving ends, to wait for.
func receivers(conns []*urpc.Conn) (ends []*urpc.Receiver) {
	for _, ch := range conns {
		ends = append(ends, ch.Receiver)
	}
	return ends
}

// sendAll sends msgs in order, waiting for room where there is none, and wakes
// the peer once.
func sendAll(ctx context.Context, ch *urpc.Conn, msgs []urpc.Message) error {
	for len(msgs) > 0 {
		n, err := ch.SendBatch(msgs)
		msgs = msgs[n:]
		if err == urpc.ErrFull {
			err = ch.Send(ctx, &msgs[0])
			msgs = msgs[1:]
		}
		if err != nil {
			return err
		}
	}
	ch.Flush()
	return nil
}
