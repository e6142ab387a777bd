package multikernel

import (
	"errors"
	"sync"

	"barreleye/devices/clock"
	"barreleye/devices/region"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/image"
	"barreleye/vmm/kvm"
	"barreleye/vmm/machine"
)

// guestProgram is a program as virtual machines run it: its text, and with --clone
// the template that its cores are copies of.
type guestProgram struct {
	*machine.Text

	once     sync.Once
	template *machine.Template
	err      error // why there is none
}

func newGuestProgram(im *image.Image) (*guestProgram, error) {
	text, err := machine.NewText(im)
	if err != nil {
		return nil, err
	}
	return &guestProgram{Text: text}, nil
}

// Close frees what cores shared. None runs it any more.
func (p *guestProgram) Close() error {
	var err error
	if p.template != nil {
		err = p.template.Close()
	}
	return errors.Join(err, p.Text.Close())
}

// machine makes the machine of one life: a copy of the template, which is booted
// for the first of them, or one that boots by itself.
func (p *guestProgram) machine(g *guests, cfg machine.Config) (*machine.Machine, error) {
	if !g.r.opt.Clone {
		return machine.New(g.sys, cfg, p.Text, g.r.memory)
	}
	p.once.Do(func() { p.template, p.err = newTemplate(g.sys, cfg, p.Text) })
	if p.err != nil {
		return nil, p.err
	}
	return p.template.Clone(g.sys, cfg, p.Text, g.r.memory)
}

// newTemplate boots a program's template, in a region of its own: nobody else sees
// what it does there, and its copies find none of it.
func newTemplate(sys *kvm.System, cfg machine.Config, text *machine.Text) (*machine.Template, error) {
	shared, err := hostmem.AllocateShared("barreleye-template-region", cfg.Geometry.Size())
	if err != nil {
		return nil, err
	}
	defer shared.Free()
	view, err := region.Format(uintptr(shared.Address()), cfg.Geometry)
	if err != nil {
		return nil, err
	}
	cfg.Exited, cfg.Lent = nil, nil
	return machine.NewTemplate(sys, cfg, text, shared, func(khz uint64) {
		tsc, mono, wall := readClocks()
		clock.NewKeeper(view.Clock(), khz, tsc, mono, wall)
	})
}
