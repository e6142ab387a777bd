// Rpc has every core call methods of every other one, many at a time and both
// ways over one channel, and checks each answer: small calls and large ones,
// errors, calls answered out of order, and calls that are given up, of which the
// methods must hear. With -die one core ends in the middle of it; the others must
// notice and go on.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"barreleye/guest"
	"barreleye/images/rpc/desk"
	"barreleye/urpc"
	"barreleye/urpc/rpc"
)

var (
	calls   = flag.Int("n", 1000, "calls of each core to each other one")
	callers = flag.Int("callers", 8, "goroutines that call, per peer")
	seed    = flag.Uint64("seed", 1, "seed of the calls")
	die     = flag.Int("die", 0, "core 1 ends once it has served that many calls; 0: never")
)

func main() {
	flag.Parse()
	err := check()
	if err == nil {
		err = run(context.Background())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "rpc: core %d: %v\n", guest.Core(), err)
		os.Exit(1)
	}
}

func check() error {
	switch {
	case guest.Cores() < 2:
		return fmt.Errorf("%d core: calls go between cores: use --cores 2 or more", guest.Cores())
	case *calls < 1 || *callers < 1 || *die < 0 || flag.NArg() > 0:
		return fmt.Errorf("-n %d, -callers %d, -die %d, %d arguments: use numbers from 1 on, and no arguments", *calls, *callers, *die, flag.NArg())
	}
	return nil
}

// peer is another core: what we ask of it, and what answers it.
type peer struct {
	core  int
	conn  *rpc.Conn
	desk  desk.Desk
	clerk *desk.Clerk
}

func run(ctx context.Context) error {
	if err := guest.WaitPeers(ctx); err != nil {
		return err
	}
	var served atomic.Int64
	var peers []*peer
	for core := range guest.Cores() {
		if core == guest.Core() {
			continue
		}
		p, err := connect(core, func() {
			if n := served.Add(1); guest.Core() == 1 && n == int64(*die) {
				fmt.Printf("rpc: core 1 ends after %d calls\n", n)
				os.Exit(0)
			}
		})
		if err != nil {
			return err
		}
		peers = append(peers, p)
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	var servers, clients sync.WaitGroup
	results := make([]*result, len(peers))
	for i, p := range peers {
		servers.Go(func() { p.conn.Serve(serving) })
		clients.Go(func() { results[i] = p.work(ctx) })
	}
	clients.Wait()
	for _, p := range peers {
		select {
		case <-p.clerk.Left:
		case <-p.conn.Done(): // it has died
		}
	}
	// Serve returns when its last answer is sent; Close comes after that.
	stop()
	servers.Wait()
	for i, p := range peers {
		p.conn.Close()
		if err := results[i].report(p); err != nil {
			return err
		}
	}
	return nil
}

// connect makes the channel to a core one for calls.
func connect(core int, served func()) (*peer, error) {
	ch, err := guest.Channel(core)
	if err != nil {
		return nil, err
	}
	clerk := &desk.Clerk{Served: served, Left: make(chan struct{})}
	conn, err := rpc.New(ch, rpc.Config{Services: []rpc.Service{desk.NewDeskService(clerk)}})
	if err != nil {
		return nil, err
	}
	return &peer{core, conn, desk.NewDeskClient(conn), clerk}, nil
}

// report prints what came of the calls to a peer.
func (r *result) report(p *peer) error {
	begun, ended := p.clerk.Waits()
	switch {
	case r.err == urpc.ErrClosed && *die > 0 && p.core == 1:
		fmt.Printf("rpc: core 1 is gone: %v, after %d answers\n", r.err, r.answers)
		return nil
	case r.err != nil:
		return fmt.Errorf("core %d: %w (seed %d)", p.core, r.err, *seed)
	case begun != ended && *die == 0:
		return fmt.Errorf("core %d: it gave up all of its %d calls of Wait, %d heard of it", p.core, begun, ended)
	}
	fmt.Printf("rpc: core %d: %d answers are right, %d calls were given up; %d of its calls waited\n", p.core, r.answers, r.given, begun)
	return nil
}
