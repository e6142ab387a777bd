package lifecycle

// Begin has a core that does not live begin its next life.
func (m *Machine) Begin(i int) error {
	c := &m.cores[i]
	switch {
	case m.ending:
		return ErrEnding
	case c.state == Building && c.cancel:
		c.cancel = false
	case c.state != Off && c.state != Ended:
		return ErrAlive
	default:
		m.build(i)
	}
	return nil
}

// Stop ends a core's life for good; drain has its program asked first. Asked again
// without it, the core ends at once.
func (m *Machine) Stop(i int, drain bool) error {
	c := &m.cores[i]
	switch {
	case c.state.Lives():
		m.end(i, drain, false)
	case c.state == Building && !c.cancel:
		c.cancel = true
	case c.state == Waiting:
		m.act(Discard, i)
		m.rest(i)
		c.held = true
	default:
		return ErrNotAlive
	}
	return nil
}

// Restart ends a core's life, if it has one, and begins the next.
func (m *Machine) Restart(i int, drain bool) error {
	c := &m.cores[i]
	switch {
	case m.ending:
		return ErrEnding
	case c.state.Lives():
		m.end(i, drain, true)
		return nil
	case c.state == Building || c.state == Waiting:
		c.cancel = false
		return nil // it is on its way
	}
	return m.Begin(i)
}

// Kill ends a core's life as a crash would: what follows is the tree's to say.
func (m *Machine) Kill(i int) error {
	if !m.cores[i].state.Lives() {
		return ErrNotAlive
	}
	m.act(Kill, i)
	return nil
}

// Park takes a core off its CPU until Resume.
func (m *Machine) Park(i int) error {
	switch c := &m.cores[i]; c.state {
	case Booting, Running:
		c.state = Parked
		m.act(Park, i)
		return nil
	case Parked:
		return nil
	}
	return ErrNotRuns
}

// Resume lets a parked core go on.
func (m *Machine) Resume(i int) error {
	switch m.cores[i].state {
	case Parked:
		m.resume(i)
		return nil
	case Booting, Running:
		return nil
	}
	return ErrNotRuns
}

func (m *Machine) resume(i int) {
	c := &m.cores[i]
	if c.state = Booting; c.main {
		c.state = Running
	}
	m.act(Resume, i)
}

// end asks a living core to end, or ends it.
func (m *Machine) end(i int, drain, again bool) {
	c := &m.cores[i]
	asked := c.state == Stopping
	c.again = again
	switch {
	case !drain:
		c.state = Stopping
		m.act(Kill, i)
	case !asked:
		if c.state == Parked {
			m.resume(i) // it has to run for that
		}
		c.state = Stopping
		m.act(Ask, i)
	}
}

// GraceOver says that a core that was asked to end had time enough.
func (m *Machine) GraceOver(i int) {
	if m.cores[i].state == Stopping {
		m.act(Kill, i)
	}
}

// NoMore has no life begin any more.
func (m *Machine) NoMore() {
	m.ending = true
	for i := range m.cores {
		if s := m.cores[i].state; s == Building || s == Waiting {
			_ = m.Stop(i, true)
		}
	}
}

// Shutdown ends all cores. Asked again without drain, they end at once.
func (m *Machine) Shutdown(drain bool) {
	m.ending = true
	for i := range m.cores {
		_ = m.Stop(i, drain) // one that does not live has ended
	}
}
