package operator

import (
	"context"
	"time"

	"barreleye/vmm/control"
	"barreleye/vmm/multikernel"
)

// Requests about the program of a core that lives, which its monitor answers.
const (
	Stacks  = "stacks"  // what its goroutines do (StacksArgs); the answer is a Text
	Profile = "profile" // a profile of it (ProfileArgs); the answer is a Taken
)

// StacksArgs are the arguments of Stacks.
type StacksArgs struct {
	Core int `json:"core"`
}

// Text is what a core said in words.
type Text struct {
	Core
	Text string `json:"text"`
}

// ProfileArgs are the arguments of Profile.
type ProfileArgs struct {
	Core       int    `json:"core"`
	Profile    string `json:"profile"`               // "cpu", "heap" and others: package requests
	DurationMS int64  `json:"duration_ms,omitempty"` // of "cpu": for how long, 0 for 10 s
}

// Taken is a profile.
type Taken struct {
	Core
	Profile []byte `json:"profile"` // what go tool pprof reads; base64 in JSON
}

func (o *Operator) stacks(_ context.Context, q *control.Request) (any, error) {
	args, err := arguments[StacksArgs](q)
	if err != nil {
		return nil, err
	}
	r, err := o.do(multikernel.Command{Op: multikernel.OpStacks, Core: args.Core})
	if err != nil {
		return nil, err
	}
	return Text{Core{r.Core, r.Life}, string(r.Data)}, nil
}

// maxDuration bounds what is asked for, so that no sum of times overflows. Cores have
// bounds of their own.
const maxDuration = 24 * time.Hour

func (o *Operator) profile(_ context.Context, q *control.Request) (any, error) {
	args, err := arguments[ProfileArgs](q)
	if err != nil {
		return nil, err
	}
	if args.DurationMS < 0 || args.DurationMS > maxDuration.Milliseconds() {
		return nil, control.Usage("pprof: %d ms: give 0 to %d", args.DurationMS, maxDuration.Milliseconds())
	}
	r, err := o.do(multikernel.Command{
		Op: multikernel.OpProfile, Core: args.Core, Profile: args.Profile, Duration: time.Duration(args.DurationMS) * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	return Taken{Core{r.Core, r.Life}, r.Data}, nil
}
