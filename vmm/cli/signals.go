package cli

import (
	"os"
	"os/signal"

	"barreleye/vmm/multikernel"

	"golang.org/x/sys/unix"
)

// signals connects the command's signals to a run: the first SIGINT, SIGTERM or
// SIGHUP asks the programs to end, a second one stops the cores, a third ends
// the command where it stands, and SIGUSR1 shows how the cores are.
type signals struct {
	kick     chan multikernel.Reason
	commands chan multikernel.Command
	got      chan os.Signal
	over     chan struct{} // closed when the run ended
}

// killAfter is at which signal the command itself ends.
const killAfter = 3

// handleSignals starts to listen. commands is what the run takes; show gets the answers to SIGUSR1.
func handleSignals(commands chan multikernel.Command, show func(*multikernel.Report)) *signals {
	s := &signals{
		kick: make(chan multikernel.Reason, 1), commands: commands,
		got: make(chan os.Signal, 4), over: make(chan struct{}),
	}
	signal.Notify(s.got, unix.SIGUSR1)
	notifyEnd(s.got)
	go s.serve(show)
	return s
}

func (s *signals) serve(show func(*multikernel.Report)) {
	asked := 0
	for {
		select {
		case <-s.over:
			return
		case sig := <-s.got:
			if sig == unix.SIGUSR1 {
				// not here: the terminal may be stopped
				go s.inquire(show)
				continue
			}
			number := sig.(unix.Signal)
			code := 128 + int(number)
			asked++
			ask := number
			if ask == unix.SIGHUP { // the terminal is the command's, not the programs'
				ask = unix.SIGTERM
			}
			reason := multikernel.Reason{Text: unix.SignalName(number), Code: code, Signal: ask}
			select {
			case s.kick <- reason:
			default: // the run has not even taken the last one
				asked = killAfter
			}
			if asked >= killAfter {
				os.Exit(code) // the kernel takes the cores down with the process
			}
		}
	}
}

// inquire asks the run once and shows its answer.
func (s *signals) inquire(show func(*multikernel.Report)) {
	answer := make(chan multikernel.Reply, 1)
	select {
	case s.commands <- multikernel.Command{Op: multikernel.OpStatus, Reply: answer}:
	case <-s.over:
		return
	}
	select {
	case a := <-answer:
		if a.Err == nil { // else it is ending
			show(a.Status)
		}
	case <-s.over:
	}
}

// stop gives the signals back.
func (s *signals) stop() {
	signal.Stop(s.got)
	close(s.over)
}
