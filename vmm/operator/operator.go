// Package operator answers what clients of the control socket ask of a run: each kind of
// request has a file, with its name, its arguments and its answer, which clients use
// too. What the run itself has to do goes to it as a multikernel.Command.
// docs/reference/control.md lists all requests.
package operator

import (
	"context"
	"errors"
	"time"

	"barreleye/vmm/control"
	"barreleye/vmm/multikernel"
)

// closing is how long clients have to read their last answers once the run is over.
const closing = time.Second

// Operator answers the clients of one run.
type Operator struct {
	server   *control.Server // nil: none
	commands chan multikernel.Command
	over     chan struct{} // closed once the run takes no more commands
	ended    chan struct{} // closed once its end is written down
	exitCode int           // with ended
}

// Listen makes the control socket in a run's folder. Clients are answered from then on.
// Where there can be no socket, the operator is one whom no client finds.
func Listen(dir string) (*Operator, error) {
	o := &Operator{commands: make(chan multikernel.Command), over: make(chan struct{}), ended: make(chan struct{})}
	server, err := control.Listen(dir)
	if err == nil {
		o.server = server
		server.Serve(o.answer)
	}
	return o, err
}

// Commands is what the run has to take (multikernel.Options.Commands).
func (o *Operator) Commands() chan multikernel.Command { return o.commands }

// Over says that the run takes no more commands.
func (o *Operator) Over() { close(o.over) }

// Close says how the run ended, which must have been written down, and lets clients go
// once they know.
func (o *Operator) Close(exitCode int) {
	o.exitCode = exitCode
	close(o.ended)
	if o.server != nil {
		o.server.Close(closing)
	}
}

// answer is control.Handler.
func (o *Operator) answer(ctx context.Context, q *control.Request) (any, error) {
	handle := requests[q.Do]
	if handle == nil {
		return nil, control.Usage("control: there is no request %.40q: docs/reference/control.md lists those there are", q.Do)
	}
	return handle(o, ctx, q)
}

// do has the run obey a command, and waits until it did or is over.
func (o *Operator) do(cmd multikernel.Command) (multikernel.Reply, error) {
	reply := make(chan multikernel.Reply, 1)
	cmd.Reply = reply
	select {
	case o.commands <- cmd:
	case <-o.over:
		return multikernel.Reply{}, errOver(cmd.Op)
	}
	select {
	case r := <-reply:
		return told(cmd.Op, r)
	case <-o.over:
	}
	select {
	case r := <-reply: // the run's last word
		return told(cmd.Op, r)
	default:
		return multikernel.Reply{}, errOver(cmd.Op)
	}
}

// told takes the run's answer.
func told(op multikernel.Op, r multikernel.Reply) (multikernel.Reply, error) {
	if errors.Is(r.Err, multikernel.ErrEnded) {
		return r, errOver(op)
	}
	return r, r.Err
}

func errOver(op multikernel.Op) error {
	return control.Refuse(control.KindEnded, "%s: the run has ended: 'barreleye logs' shows its lines", op)
}

// arguments reads the arguments of a request.
func arguments[T any](q *control.Request) (args T, err error) {
	err = q.Arguments(&args)
	return args, err
}
