package operator

import (
	"context"

	"barreleye/vmm/control"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// Requests that come with an image: a regular file, as a descriptor. The answer is a
// Core.
const (
	Add    = "add"    // start one more core (AddArgs), with the run's own image if none comes
	Update = "update" // end a core's life and begin the next with the image (UpdateArgs)
)

// AddArgs are the arguments of Add.
type AddArgs struct {
	Image string `json:"image,omitempty"` // its name
}

// UpdateArgs are the arguments of Update.
type UpdateArgs struct {
	Core  int    `json:"core"`
	Image string `json:"image"`
	Ending
}

func (o *Operator) add(_ context.Context, q *control.Request) (any, error) {
	args, err := arguments[AddArgs](q)
	if err != nil {
		return nil, err
	}
	cmd := multikernel.Command{Op: multikernel.OpAdd}
	if len(q.Files) > 0 {
		if cmd.Image, err = load(q, args.Image); err != nil {
			return nil, err
		}
	}
	return o.ofCore(cmd)
}

func (o *Operator) update(_ context.Context, q *control.Request) (any, error) {
	args, err := arguments[UpdateArgs](q)
	if err != nil {
		return nil, err
	}
	cmd := multikernel.Command{Op: multikernel.OpUpdate, Core: args.Core}
	if err := args.apply(&cmd); err != nil {
		return nil, err
	}
	if cmd.Image, err = load(q, args.Image); err != nil {
		return nil, err
	}
	return o.ofCore(cmd)
}

// load reads the image that came with a request.
func load(q *control.Request, name string) (*image.Image, error) {
	if len(q.Files) != 1 {
		return nil, control.Usage("%s: %d descriptors: send that of the image", q.Do, len(q.Files))
	}
	if name == "" || len(name) > 200 {
		return nil, control.Usage("%s: an image's name of %d bytes: give 1 to 200", q.Do, len(name))
	}
	im, err := image.LoadOptions{}.Read(name, q.Files[0])
	if err != nil {
		return nil, control.Refuse(control.KindImage, "%w", err)
	}
	return im, nil
}
