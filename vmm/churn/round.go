package churn

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"barreleye/vmm/multikernel"
	"barreleye/vmm/supervise"

	"golang.org/x/sys/unix"
)

// grace is how long a core that is asked to end may take.
const grace = 20 * time.Second

// round is one run.
type round struct {
	cfg *Config
	rng *rand.Rand

	cores, room int
	strategy    supervise.Strategy
	clone       bool
	length      time.Duration
	patience    time.Duration

	opt      *multikernel.Options
	commands chan multikernel.Command
	kick     chan multikernel.Reason
	console  *console
	report   *multikernel.Report

	replies chan reply
	asked   []*asked // so far
	hung    string   // what it told of itself when it hung
	states  []string // of its cores then
	obeyed  int
	parked  map[int]bool
	account Account
}

// reply is one with what it answers.
type reply struct {
	multikernel.Reply
	to *asked
}

func newRound(cfg *Config, seed uint64) *round {
	rng, most := rand.New(rand.NewPCG(seed, 0)), cmp.Or(cfg.Most, mostCores)
	r := &round{
		cfg: cfg, rng: rng, cores: 2 + rng.IntN(most-1), strategy: supervise.Strategy(rng.IntN(3)),
		patience: cmp.Or(cfg.Patience, patience), length: 4*time.Second + time.Duration(rng.Int64N(int64(8*time.Second))),
		commands: make(chan multikernel.Command), kick: make(chan multikernel.Reason, 2), replies: make(chan reply, 64),
		parked: map[int]bool{},
	}
	r.room = min(most, r.cores+rng.IntN(3))
	r.clone = rng.IntN(4) == 0
	r.console = newConsole(r.cores)
	r.opt = &multikernel.Options{
		Platform: cfg.Platform, Image: cfg.Image, Args: []string{"-lives", "-dies"}, Cores: r.cores, Room: r.room,
		Restart: supervise.Policy{Restart: supervise.OnFailure, Strategy: r.strategy,
			Intensity: supervise.Intensity{Restarts: 1 << 20, Within: time.Second}},
		Memory: 64 << 20, Pin: "auto", Poll: "auto", Tick: 10 * time.Millisecond, HaltPoll: -1, Clone: r.clone,
		Dir: cfg.Dir, Console: r.console, Started: time.Now(), Kick: r.kick, Grace: grace, Commands: r.commands,
	}
	return r
}

// String says what is special about it.
func (r *round) String() string {
	s := fmt.Sprintf("%d cores of at most %d, %v", r.cores, r.room, r.strategy)
	if r.clone {
		s += ", cloned"
	}
	return s
}

// run runs it to its end and accounts for its messages.
func (r *round) run() error {
	var driven error
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if driven = r.drive(over); driven != nil && driven != errEarly {
			if errors.Is(driven, errHung) {
				r.hung = r.examine(over)
			}
			r.kick <- multikernel.Reason{Text: "churn: " + driven.Error()} // at once
		}
	}()
	report, err := multikernel.Run(r.opt)
	close(over)
	<-done
	r.report = report
	if err := errors.Join(err, driven, r.console.err); err != nil {
		return err
	}
	for _, c := range report.Cores {
		if c.ExitCode != 0 && c.ExitCode != multikernel.CodeCrash && !r.console.book.dies[life{c.Core, c.Life}] {
			return fmt.Errorf("core %d, life %d, ended with code %d: %s", c.Core, c.Life, c.ExitCode, c.Error)
		}
	}
	r.account, err = r.console.book.balance()
	return err
}

// lives counts those that there were.
func (r *round) lives() (n int) {
	if r.report != nil {
		for _, c := range r.report.Cores {
			n += int(c.Life)
		}
	}
	return n
}

// addTo adds what came of it to the summary.
func (r *round) addTo(s *Summary) {
	if r.report == nil {
		return
	}
	s.Runs++
	s.Commands += r.obeyed
	s.Lives += r.lives()
	s.Overdue += r.console.overdue
	s.Account.add(r.account)
	b := r.console.book
	s.Calls += b.calls
	s.Channels += b.channels
}

// errEarly is why a run is given up that has ended, nobody knows why.
var errEarly = errors.New("the run ended early")

// errWrong is why a run is given up whose log tells of what must not be.
var errWrong = errors.New("a line of the log tells what went wrong")

// drive asks the run for things until its time is up, and then for its end.
func (r *round) drive(over <-chan struct{}) error {
	boot := newWait(r.patience)
	defer boot.end()
	select {
	case <-r.console.ready:
	case <-over:
		return nil // why, the run says
	case <-r.console.failed:
		return errWrong
	case <-boot.over:
		return fmt.Errorf("%w: the cores were not ready within %v", errHung, r.patience)
	}
	end := time.After(r.length)
	for {
		pause := time.After(time.Duration(r.rng.Int64N(int64(150 * time.Millisecond))))
		for waits := true; waits; {
			select {
			case <-pause:
				waits = false
			case got := <-r.replies:
				if err := r.answered(got); err != nil {
					return err
				}
			case <-over:
				return errEarly
			case <-r.console.failed:
				return errWrong
			case <-end:
				return r.finish(over)
			}
		}
		if err := r.ask(r.choose(), over); err != nil {
			return err
		}
	}
}

// finish has all cores end in their own time.
func (r *round) finish(over <-chan struct{}) error {
	for core := range r.parked {
		if err := r.ask(multikernel.Command{Op: multikernel.OpResume, Core: core}, over); err != nil {
			return err
		}
	}
	if err := r.ask(multikernel.Command{Op: multikernel.OpShutdown, Drain: true, Reason: multikernel.Reason{Text: "churn", Signal: unix.SIGTERM}}, over); err != nil {
		return err
	}
	hung := newWait(r.patience)
	defer hung.end()
	for {
		select {
		case got := <-r.replies:
			if err := r.answered(got); err != nil {
				return err
			}
		case <-over:
			return nil
		case <-hung.over:
			return fmt.Errorf("%w: it did not end within %v", errHung, r.patience)
		}
	}
}

// ask sends a command, whose answer comes to replies.
func (r *round) ask(cmd multikernel.Command, over <-chan struct{}) error {
	answer := make(chan multikernel.Reply, 1)
	cmd.Reply = answer
	a := &asked{Command: cmd, at: time.Now()}
	r.asked = append(r.asked, a)
	hung := newWait(r.patience)
	select {
	case r.commands <- cmd:
	case <-over:
		hung.end()
		return errEarly
	case <-hung.over:
		return fmt.Errorf("%w: %v was not taken within %v", errHung, a, r.patience)
	}
	go func() {
		defer hung.end()
		select {
		case got := <-answer:
			r.replies <- reply{got, a}
		case <-hung.over:
			r.replies <- reply{multikernel.Reply{Err: fmt.Errorf("%w: no answer within %v", errHung, r.patience)}, a}
		}
	}()
	return nil
}

// answered looks at an answer: not everything can be done at every moment, but everything
// has to be answered.
func (r *round) answered(got reply) error {
	if errors.Is(got.Err, errHung) {
		return fmt.Errorf("%v: %w", got.to, got.Err)
	}
	got.to.answered, got.to.err = true, got.Err
	switch {
	case got.Err == nil:
		r.obeyed++
	case !refusal(got.Err):
		return fmt.Errorf("%v: %w", got.to, got.Err)
	}
	return nil
}

// problem reports whether a line of the VMM is of what must not happen.
func problem(line string) bool {
	for _, p := range []string{"crashed", "stuck", "exception", "fault", "cannot", "deadlock", "KVM", "stopping all cores", "report it"} {
		if strings.Contains(line, p) {
			return true
		}
	}
	return false
}

// tell writes what is known of a run that failed, what matters most at the end.
func (r *round) tell(w io.Writer) {
	if r.hung != "" {
		fmt.Fprintf(w, "churn: while it hung:\n%s", indent(r.hung))
	}
	fmt.Fprintf(w, "churn: the last lines of the log, but for those of messages (<--: what must not be):\n%s",
		indent(strings.Join(r.console.last, "\n")))
	fmt.Fprintf(w, "churn: commands without an answer: %s\n", r.open())
	if r.report != nil {
		fmt.Fprintln(w, "churn: the cores in the end:")
		var b strings.Builder
		r.report.Table(&b)
		fmt.Fprint(w, indent(b.String()))
	}
}
