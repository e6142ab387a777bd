package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"barreleye/guest"
	"barreleye/guest/monitor/caps"
)

// weather is one core's part in the storm.
type weather struct {
	r    *rand.Rand
	did  map[string]int
	most int // capabilities that it keeps

	offer *guest.Listener

	alone  []*alone         // data.go
	mapped []*guest.Mapping // of what others may know of

	mu   sync.Mutex
	have []guest.Cap
	err  error // of a goroutine that receives
}

// ends is the name of the service by which core 0 says that the storm is over.
const ends = "the end"

func storm(ctx context.Context) error {
	var asked <-chan struct{}
	if guest.Core() == 0 {
		asked = guest.Stopping()
	}
	w := &weather{r: rand.New(rand.NewPCG(*seed, uint64(guest.Core())<<32|guest.Life())), did: map[string]int{}, most: 24}
	receiving, stop := context.WithCancel(ctx)
	defer stop()
	var receivers sync.WaitGroup
	receivers.Go(func() { w.receive(receiving) })
	offer, err := guest.Listen("storm")
	if err != nil {
		return err
	}
	w.offer = offer
	receivers.Go(func() { w.accept(receiving, offer) })
	fmt.Println("in the storm")
	for turn := 0; ; turn++ {
		over, err := w.over(ctx, turn, asked)
		if err != nil {
			return err
		}
		if over {
			break
		}
		if err := w.turn(ctx); err != nil && !expected(err) {
			return err
		}
	}
	offer.Close()
	stop()
	receivers.Wait()
	if err := over(ctx, func() error { return errors.Join(w.drop(ctx), w.clear(ctx)) }); err != nil {
		return err
	}
	fmt.Println("turns:", w.did)
	return nil
}

// over reports whether the storm is.
func (w *weather) over(ctx context.Context, turn int, asked <-chan struct{}) (bool, error) {
	w.mu.Lock()
	err := w.err
	w.mu.Unlock()
	if err != nil {
		return false, err
	}
	if guest.Core() == 0 {
		select {
		case <-asked:
		default:
			if *turns == 0 || turn < *turns {
				return false, nil
			}
		}
		_, err := guest.Export(ctx, ends)
		return true, err
	}
	_, over, err := guest.Lookup(ctx, ends)
	return over, err
}

// expected reports whether others may be the cause of an error.
func expected(err error) bool {
	for _, is := range []error{
		guest.ErrCapGone, guest.ErrMemory, guest.ErrDivided, guest.ErrGone, guest.ErrStopping, guest.ErrService, guest.ErrRoom, guest.ErrPeer, guest.ErrListener,
		caps.ErrOverlap, caps.ErrRights, caps.ErrType, caps.ErrExtent, context.DeadlineExceeded,
	} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

func (w *weather) keep(list ...guest.Cap) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.have = append(w.have, list...)
}

// pick returns one of those that it has, and takes it out.
func (w *weather) pick(out bool) (c guest.Cap, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.have) == 0 {
		return c, false
	}
	i := w.r.IntN(len(w.have))
	c = w.have[i]
	if out {
		w.have = append(w.have[:i], w.have[i+1:]...)
	}
	return c, true
}

func (w *weather) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.have)
}

// patience is how long a core waits for another one, which may be about to die.
const patience = 50 * time.Millisecond

func (w *weather) turn(ctx context.Context) error {
	do := w.r.IntN(14)
	if do >= 12 {
		return w.data(ctx)
	}
	c, ok := w.pick(false)
	switch {
	case ok && do <= 1 && w.isEndpoint(c):
		return w.dial(ctx, c)
	case do == 0 && w.r.IntN(4) == 0 && w.count() < w.most:
		w.did["endpoint"]++
		end, err := w.offer.Endpoint(ctx)
		if err == nil {
			w.keep(end)
		}
		return err
	case !ok || do == 0 && w.count() < w.most:
		w.did["take"]++
		ram, err := guest.AllocRAM(ctx, uint64(1+w.r.IntN(16))*page)
		if err == nil {
			w.keep(ram)
		}
		return err
	case do <= 3 && w.count() < w.most:
		w.did["retype"]++
		types := []caps.Type{caps.RAM, caps.Frame, caps.Frame, caps.PageTable}
		list, err := c.Retype(ctx, types[w.r.IntN(len(types))], uint64(w.r.IntN(6))*page, page, 1+w.r.IntN(2))
		w.keep(list...)
		return err
	case do == 4 && w.count() < w.most:
		w.did["mint"]++
		fewer, err := c.Mint(w.rights())
		if err == nil {
			w.keep(fewer)
		}
		return err
	case do <= 8:
		return w.give(ctx, c, do)
	case do == 9:
		w.did["revoke"]++
		return c.Revoke(ctx)
	}
	w.did["delete"]++
	c, ok = w.pick(true)
	if !ok {
		return nil
	}
	return c.Delete(ctx)
}

func (w *weather) isEndpoint(c guest.Cap) bool {
	info, err := c.Info()
	return err == nil && info.Type == caps.Endpoint
}

// dial opens a channel to a listener that may be gone.
func (w *weather) dial(ctx context.Context, c guest.Cap) error {
	w.did["dial"]++
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	conn, err := guest.DialCap(ctx, c, guest.ChannelOptions{Lines: 16})
	if err == nil {
		conn.Close()
	}
	return err
}

func (w *weather) rights() caps.Rights { return caps.All &^ caps.Rights(1<<w.r.IntN(8)) }

// give gives c to another core, by one of three ways.
func (w *weather) give(ctx context.Context, c guest.Cap, way int) error {
	members := guest.Members()
	to := members[w.r.IntN(len(members))]
	if to == guest.Core() {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	switch way {
	case 5:
		w.did["move"]++
		return c.Move(ctx, to, w.rights())
	case 6:
		w.did["bind"]++
		conn, err := guest.Dial(ctx, to, "storm", guest.ChannelOptions{Lines: 16})
		if err != nil {
			return err
		}
		defer conn.Close()
		return conn.SendCap(ctx, c, w.rights())
	}
	w.did["send"]++
	return c.Send(ctx, to, w.rights())
}

// receive keeps what is sent to this core.
func (w *weather) receive(ctx context.Context) {
	for {
		c, _, err := guest.ReceiveCap(ctx)
		if ctx.Err() != nil {
			if err == nil {
				w.keep(c)
			}
			return
		}
		w.received(c, err)
	}
}

func (w *weather) received(c guest.Cap, err error) {
	if err == nil {
		w.keep(c)
		return
	}
	if !expected(err) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.err = err
	}
}

// accept keeps what comes over channels.
func (w *weather) accept(ctx context.Context, l *guest.Listener) {
	for {
		conn, err := l.Accept(ctx)
		if err != nil {
			return
		}
		within, stop := context.WithTimeout(ctx, patience)
		c, err := conn.RecvCap(within)
		stop()
		conn.Close()
		if err == nil {
			w.keep(c)
		}
	}
}

// clear lets go of everything, also of what nobody has received yet.
func (w *weather) clear(ctx context.Context) error {
	for {
		now, stop := context.WithCancel(ctx)
		stop()
		c, _, err := guest.ReceiveCap(now)
		if err != nil {
			break
		}
		w.keep(c)
	}
	for {
		c, ok := w.pick(true)
		if !ok {
			return nil
		}
		if err := c.Delete(ctx); err != nil && !errors.Is(err, guest.ErrCapGone) {
			return fmt.Errorf("delete at the end: %w", err)
		}
	}
}
