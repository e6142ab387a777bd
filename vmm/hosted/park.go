package hosted

import "golang.org/x/sys/unix"

// Park takes the process off its CPU and returns once none of its threads runs, or it
// has ended. Its memory stays.
func (p *Process) Park() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.park = true
	if p.pid == 0 {
		return // start stops it
	}
	p.kill(unix.SIGSTOP)
	// what is waited for stays to be waited for by others
	_ = retry(func() error {
		return unix.Waitid(unix.P_PID, p.pid, nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
	})
}

// Resume lets a parked process go on.
func (p *Process) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.park = false
	p.kill(unix.SIGCONT)
}
