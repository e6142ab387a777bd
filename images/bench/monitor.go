package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"barreleye/guest"
	"barreleye/images/bench/measure"
	"barreleye/images/internal/echo"
	"barreleye/urpc"
)

// inFlight is how many operations are under way at once where they are pipelined.
const inFlight = 16

// A round has so many operations of each kind, and so many before that do not count; an even
// number in all, so that what is taken is given back. Between cores that share CPUs each takes
// as long as thousands of others.
func perRound() (n, warm int) {
	if guest.Cores() > 2 {
		return 8, 2
	}
	return 100, 16
}

// figure is one figure of monitors: what to do for the i-th sample, of per operations, and
// the messages without which it cannot be done: so many times to all other cores and back.
type figure struct {
	*measure.Series
	do            func(i int) error
	trips         int
	before, after func() error // what is not timed; nil for nothing
}

// prepare does what comes before an operation, undo what comes after it.
func (f *figure) prepare() error {
	if f.before == nil {
		return nil
	}
	return f.before()
}

func (f *figure) undo() error {
	if f.after == nil {
		return nil
	}
	return f.after()
}

// monitors measures what the program of core 0 waits for while the other cores have nothing
// to do, in turns with the messages that it takes, sent by programs.
func monitors() ([]*measure.Series, error) {
	ctx := context.Background()
	if err := guest.WaitPeers(ctx); err != nil {
		return nil, err
	}
	over, err := guest.NewBarrier("measured", guest.Members())
	if err != nil {
		return nil, err
	}
	if guest.Core() != 0 {
		offer, err := guest.Export(ctx, echoAt(guest.Core()))
		if err != nil {
			return nil, err
		}
		go echo.Serve(ctx, offer)
		go receiveCaps(ctx)
		return nil, over.Wait(ctx)
	}
	peers, err := openPeers(ctx)
	if err != nil {
		return nil, err
	}
	all, err := peers.measure(ctx)
	if err != nil {
		return nil, err
	}
	return all, over.Wait(ctx)
}

func echoAt(core int) string { return fmt.Sprint("echo ", core) }

// peers are channels to all other cores.
type peers []*guest.Conn

func openPeers(ctx context.Context) (p peers, err error) {
	for core := 1; core < guest.Cores(); core++ {
		c, err := guest.Bind(ctx, echoAt(core), guest.ChannelOptions{})
		if err != nil {
			return nil, err
		}
		p = append(p, c)
	}
	return p, nil
}

// trip sends a message to each and takes all answers.
func (p peers) trip(ctx context.Context) error {
	m := urpc.Message{Type: 1, Len: urpc.MaxPayload}
	for _, c := range p {
		if err := c.TrySend(&m); err != nil {
			return err
		}
	}
	if len(p) > 1 {
		for _, c := range p {
			c.Flush()
		}
	}
	for _, c := range p {
		if err := c.Recv(ctx, &m); err != nil {
			return err
		}
	}
	return nil
}

func (p peers) measure(ctx context.Context) (all []*measure.Series, err error) {
	figures := figuresOf(ctx)
	capabilities, err := capFigures(ctx)
	if err != nil {
		return nil, err
	}
	figures = append(append(figures, capabilities...),
		figure{Series: p.series("monitor_messages", 1), do: func(int) error { return p.trip(ctx) }})
	for range *rounds {
		for _, f := range figures {
			if err := f.round(); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	trips := figures[len(figures)-1].Series
	for _, f := range figures {
		all = append(all, f.Series)
		if f.trips == 0 || len(p) == 0 {
			continue
		}
		f.LimitOf = "messages"
		for _, ns := range trips.Samples {
			f.Limit = append(f.Limit, ns*float64(f.trips))
		}
	}
	return all, nil
}

func (peers) series(name string, per int, params ...string) *measure.Series {
	s := &measure.Series{Name: name, Params: [][2]string{{"cores", fmt.Sprint(guest.Cores())}}, Per: per}
	for i := 0; i < len(params); i += 2 {
		s.Params = append(s.Params, [2]string{params[i], params[i+1]})
	}
	return s
}

// round takes the samples of a round.
func (f *figure) round() error {
	n, warm := perRound()
	if f.Per > 1 {
		n, warm = 2*max(1, n/inFlight/2), 2
	}
	var before, after runtime.MemStats
	for i := range warm + n {
		if i == warm {
			runtime.ReadMemStats(&before)
		}
		if err := f.prepare(); err != nil {
			return err
		}
		start := guest.TSC()
		if err := f.do(i); err != nil {
			return err
		}
		end := guest.TSC()
		if err := f.undo(); err != nil {
			return err
		}
		if i >= warm {
			f.Samples = append(f.Samples, guest.Nanoseconds(end-start)/float64(f.Per))
		}
	}
	runtime.ReadMemStats(&after)
	f.Allocs = float64(after.Mallocs-before.Mallocs) / float64(n*f.Per)
	return nil
}

// figuresOf are the operations. Those of two phases take a lock and give it back in turns:
// that is the same work.
func figuresOf(ctx context.Context) []figure {
	var p peers
	lock := func(name string, i int) error {
		if i%2 == 0 {
			return guest.Lock(ctx, name)
		}
		return guest.Unlock(ctx, name)
	}
	list := []figure{
		{Series: p.series("monitor_lookup", lookups), do: func(int) error { return lookUp(ctx) }},
		{Series: p.series("monitor_one_phase", 1), do: func(int) error { return guest.Publish(ctx, "topic", "text") }, trips: 1},
		{Series: p.series("monitor_one_phase", inFlight, "inflight", fmt.Sprint(inFlight)), do: atOnce(func(int, int) error {
			return guest.Publish(ctx, "topic", "text")
		})},
		{Series: p.series("monitor_two_phases", 1), do: func(i int) error { return lock("lock", i) }, trips: 2},
		{Series: p.series("monitor_two_phases", inFlight, "inflight", fmt.Sprint(inFlight)), do: atOnce(func(worker, i int) error {
			return lock(lockNames[worker], i)
		})},
	}
	if guest.Cores() > 1 {
		var c *guest.Conn
		list = append(list, figure{Series: p.series("monitor_bind", 1), do: func(int) (err error) {
			c, err = guest.Bind(ctx, echoAt(1), guest.ChannelOptions{})
			return err
		}, trips: 1, after: func() error { c.Close(); return nil }})
	}
	return list
}

var lockNames = func() (list [inFlight]string) {
	for i := range list {
		list[i] = fmt.Sprint("lock ", i)
	}
	return list
}()

// lookups is how many look-ups a sample is the mean of.
const lookups = 1000

func lookUp(ctx context.Context) error {
	for range lookups {
		if _, _, err := guest.Lookup(ctx, echoAt(1)); err != nil {
			return err
		}
	}
	return nil
}

// atOnce returns what has as many goroutines as operations do one each, and waits for all.
func atOnce(do func(worker, i int) error) func(i int) error {
	var all sync.WaitGroup
	var begin [inFlight]chan int
	var errs [inFlight]error
	for w := range begin {
		begin[w] = make(chan int)
		go func() {
			for i := range begin[w] {
				errs[w] = do(w, i)
				all.Done()
			}
		}()
	}
	return func(i int) error {
		all.Add(inFlight)
		for _, b := range begin {
			b <- i
		}
		all.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}
}
