package gdb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Serve serves one gdb over a connection until it detaches or the connection ends, and
// then has the target detached. All cores stand when it is called. The error is nil
// where gdb took its leave.
func Serve(conn io.ReadWriter, target Target) error {
	s := &server{conn: conn, target: target, chosen: -1}
	if cores := target.Cores(); len(cores) > 0 {
		s.shown = Stop{Core: cores[0], Why: Trapped}
		s.looked = cores[0]
	}
	defer target.Detach()
	inputs, failed, over := make(chan input), make(chan error, 1), make(chan struct{})
	defer close(over)
	go func() {
		r := bufio.NewReader(conn)
		for {
			in, err := scan(r)
			if err != nil {
				failed <- err
				return
			}
			select {
			case inputs <- in:
			case <-over:
				return
			}
		}
	}()
	for !s.left {
		select {
		case in := <-inputs:
			if err := s.take(in); err != nil {
				return err
			}
		case <-target.Woken():
			if err := s.look(); err != nil {
				return err
			}
		case err := <-failed:
			_ = s.look() // the run may be over, and the end of its cores to be told
			if errors.Is(err, io.EOF) && s.ended != nil {
				return nil // it has nothing left to ask
			}
			return fmt.Errorf("gdb: connection: %w", err)
		}
	}
	return nil
}

// server is one gdb's session.
type server struct {
	conn    io.ReadWriter
	target  Target
	last    []byte // the last packet sent
	noAck   bool   // packets are not acknowledged any more
	swbreak bool   // gdb wants to know that a stop is a breakpoint's
	left    bool   // gdb has detached

	looked  int    // core that registers and memory are read of
	chosen  int    // core that c and s are about, -1 for all
	running []int  // cores that were let go; empty while all stand
	stops   []Stop // that gdb does not know of yet
	shown   Stop   // the last that it was told
	ended   *Stop  // how the last core ended
}

// take serves one thing that gdb sent.
func (s *server) take(in input) error {
	switch {
	case in.interrupt:
		if len(s.running) == 0 {
			return nil // its answer is on its way
		}
		return s.stop()
	case in.resend:
		_, err := s.conn.Write(s.last)
		return err
	case in.broken && s.noAck:
		return fmt.Errorf("%w: a packet with a wrong checksum", ErrProtocol)
	case in.broken:
		_, err := s.conn.Write([]byte{'-'})
		return err
	}
	if !s.noAck {
		if _, err := s.conn.Write([]byte{'+'}); err != nil {
			return err
		}
	}
	answer, silent := s.serve(string(in.data))
	if silent {
		return nil
	}
	return s.send(answer)
}

// send sends a packet.
func (s *server) send(contents string) error {
	s.last = frame([]byte(contents))
	_, err := s.conn.Write(s.last)
	return err
}

// look is for when the target has stops to tell: while cores run they are told gdb.
func (s *server) look() error {
	if len(s.running) == 0 {
		return nil // told when cores are to run again
	}
	s.collect()
	if len(s.stops) == 0 && len(s.running) > 0 {
		return nil
	}
	return s.stop()
}

// collect takes the target's stops. Of a core that ended nothing else is told.
func (s *server) collect() {
	for {
		stop, ok := s.target.Next()
		if !ok {
			return
		}
		if stop.Why != ByExit && stop.Why != ByCrash {
			s.stops = append(s.stops, stop)
			continue
		}
		gone := func(other Stop) bool { return other.Core == stop.Core }
		s.stops = slices.DeleteFunc(s.stops, gone)
		s.running = slices.DeleteFunc(s.running, func(core int) bool { return core == stop.Core })
		if len(s.target.Cores()) == 0 {
			s.ended = &stop
		}
	}
}

// stop halts all cores and tells gdb why.
func (s *server) stop() error {
	s.target.Halt()
	s.collect()
	was := s.running
	s.running = nil
	cores := s.target.Cores()
	switch {
	case len(cores) == 0:
		return s.send(s.exit())
	case len(s.stops) > 0:
		s.shown, s.stops = s.stops[0], s.stops[1:]
	default: // gdb asked for it, or the core that it waits for ended
		core := cores[0]
		if len(was) > 0 && slices.Contains(cores, was[0]) {
			core = was[0]
		}
		if slices.Contains(cores, s.looked) && (len(was) == 0 || slices.Contains(was, s.looked)) {
			core = s.looked
		}
		s.shown = Stop{Core: core, Why: interrupted}
	}
	s.looked, s.chosen = s.shown.Core, s.shown.Core
	return s.send(s.reason())
}

// interrupted is why a core stands that nothing happened to.
const interrupted Why = -1

// Signals, as gdb numbers them.
const (
	sigINT  = 2
	sigTRAP = 5
	sigABRT = 6
)

// reason is the stop reply for what was shown last.
func (s *server) reason() string {
	if len(s.target.Cores()) == 0 {
		return s.exit()
	}
	signal, detail := sigTRAP, ""
	switch {
	case s.shown.Why == interrupted:
		signal = sigINT
	case s.shown.Why == AtBreakpoint && s.swbreak:
		detail = "swbreak:;"
	}
	return fmt.Sprintf("T%02xthread:%x;core:%x;%s", signal, threadOf(s.shown.Core), s.shown.Core, detail)
}

// exit is the stop reply once no core lives.
func (s *server) exit() string {
	switch {
	case s.ended == nil: // before anybody looked
		return "W00"
	case s.ended.Why == ByCrash:
		return fmt.Sprintf("X%02x", sigABRT)
	}
	return fmt.Sprintf("W%02x", s.ended.Code&0xff)
}

// resume lets cores go on, or tells at once of an INT3 of the program's own that gdb
// was not told of. A breakpoint that a core came to meanwhile it comes to again, and a
// step that it made is no news to whoever was told something else instead.
func (s *server) resume(step, run []int) (answer string, silent bool) {
	s.collect()
	s.stops = slices.DeleteFunc(s.stops, func(stop Stop) bool { return stop.Why != Trapped })
	living := s.target.Cores()
	gone := func(core int) bool { return !slices.Contains(living, core) }
	step, run = slices.DeleteFunc(step, gone), slices.DeleteFunc(run, gone)
	switch {
	case len(living) == 0:
		return s.exit(), false
	case len(s.stops) > 0:
		s.shown, s.stops = s.stops[0], s.stops[1:]
		s.looked, s.chosen = s.shown.Core, s.shown.Core
		return s.reason(), false
	case len(step)+len(run) == 0:
		return refused, false
	}
	s.running = slices.Concat(step, run)
	s.target.Resume(step, run)
	return "", true
}

// Threads of gdb are cores; 0 stands for any and -1 for all.
func threadOf(core int) int { return core + 1 }
