package multikernel

import (
	"io"
	"sync/atomic"

	"barreleye/vmm/image"
)

// program is an image as cores run it: what they share of it is loaded once, and given
// back with the last core that runs it.
type program struct {
	image  *image.Image
	loaded io.Closer // of the platform: machine.Text or hosted.File
	users  atomic.Int32
}

// load makes an image ready to be run; the caller is its first user.
func (r *run) load(im *image.Image) (*program, error) {
	loaded, err := r.platform.load(im)
	if err != nil {
		return nil, err
	}
	p := &program{image: im, loaded: loaded}
	p.users.Store(1)
	return p, nil
}

// use counts one more user.
func (p *program) use() *program {
	p.users.Add(1)
	return p
}

// release is called by each user that is done.
func (p *program) release() {
	if p.users.Add(-1) == 0 {
		_ = p.loaded.Close() // memory that cannot be given back is the process's until its end
	}
}
