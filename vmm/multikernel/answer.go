package multikernel

import (
	"errors"
	"slices"

	"barreleye/vmm/lifecycle"
)

// waiting is a command that is answered once a life of its core has begun or ended.
type waiting struct {
	*Command
	life uint64 // which; 0: that none is begun
}

func (r *run) wait(cmd *Command, life uint64) { r.waiting = append(r.waiting, waiting{cmd, life}) }

// forget takes a command off the list.
func (r *run) forget(cmd *Command) {
	r.waiting = slices.DeleteFunc(r.waiting, func(w waiting) bool { return w.Command == cmd })
}

// answer answers the commands whose time has come.
func (r *run) answer() {
	r.waiting = slices.DeleteFunc(r.waiting, func(w waiting) bool {
		err, done := r.outcome(w)
		if done {
			w.reply(w.life, err)
		}
		return done
	})
}

// reply is answer with the core's life, and the error in the form of all errors.
func (cmd *Command) reply(life uint64, err error) {
	if err != nil {
		cmd.refuse(err, "its last lines tell more ('barreleye logs')")
		return
	}
	cmd.answer(Reply{Core: cmd.Core, Life: life})
}

// outcome says whether a command is done, and how it went.
func (r *run) outcome(w waiting) (err error, done bool) {
	c := r.cores[w.Core]
	state := r.machine.State(w.Core)
	rests := state == lifecycle.Off || state == lifecycle.Ended
	ended := c.last != nil && c.last.Life >= w.life
	switch w.Op {
	case OpStop, OpKill:
		if w.life == 0 && (state == lifecycle.Waiting || state.Lives()) {
			return ErrOvertaken, true
		}
		return nil, w.life == 0 && rests || w.life > 0 && ended
	case OpPark, OpResume:
		return nil, true
	}
	switch {
	case c.number == w.life && c.main:
		return nil, true
	case ended:
		return ErrEarly, true
	case rests && c.err != nil:
		return c.err, true
	case rests:
		return ErrStopped, true
	}
	return nil, false
}

// answerRest tells those who still wait that the run is over.
func (r *run) answerRest() {
	for _, w := range r.waiting {
		w.refuse(lifecycle.ErrEnding, "start another one")
	}
	r.waiting = nil
	for _, cmd := range append(r.asking.asked, r.asking.next...) {
		cmd.refuse(lifecycle.ErrEnding, "its report is shown at its end")
	}
	r.asking = question{}
}

// Errors of commands, beside those of package lifecycle.
var (
	ErrNoCore  = errors.New("there is no such core")
	ErrNoRoom  = errors.New("there is room for no more cores")
	ErrNoImage = errors.New("no image")
	ErrBusy    = errors.New("it is being restarted")
	ErrStopped = errors.New("it was stopped before its program began")
	ErrEarly   = errors.New("its life ended before its program reached main")
	// ErrEnded is of a run whose cores have ended, and whose console has not yet shown all.
	ErrEnded = errors.New("the run has ended")
	// ErrOvertaken is of a life that was to be stopped before it began.
	ErrOvertaken = errors.New("a later command has it begin all the same")
)
