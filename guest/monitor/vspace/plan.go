package vspace

// Plan is what it takes to do what was asked of a Space, which counts it as done. Whoever
// asked has the steps done, all or none, and calls Done or Undo.
type Plan struct {
	Steps []Step

	space *Space
	free  []Table  // in no slot once the steps were done
	undo  []func() // of what the space did to itself
}

// Done says that all steps were done.
func (p *Plan) Done() {
	for _, t := range p.free {
		p.space.spare.put(t)
	}
	p.space.spare.trim(keep)
}

// Undo says that none was done: the space is as it was before.
func (p *Plan) Undo() {
	for i := len(p.undo) - 1; i >= 0; i-- {
		p.undo[i]()
	}
	p.space.spare.trim(keep)
}

// add appends a step on count slots of n from that of addr on, and returns it for what is
// particular to its operation.
func (p *Plan) add(op Op, n *node, addr uint64, count int) *Step {
	p.Steps = append(p.Steps, Step{
		Op: op, Level: n.Level, Node: n.ID, Slot: slotOf(addr, n.Level), Count: uint16(count),
		Addr: addr &^ (span(n.Level) - 1), Pieces: uint64(count) * span(n.Level),
	})
	return &p.Steps[len(p.Steps)-1]
}
