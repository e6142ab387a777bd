// Package hosted is the VMM's half of the hosted platform: a core is a Linux
// process, pinned to a CPU, that runs the image's ELF file as it is, over the
// same shared region at the same address as a virtual machine would. It needs
// no KVM. The process is no boundary as strong as a virtual machine: it runs as
// the user, and takes only from itself what of the region is not its core's.
//
// What the process inherits is described in package devices/inherit; the
// guest's half is package guest/hosted.
package hosted

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"barreleye/devices/boot"
	"barreleye/devices/inherit"
	"barreleye/devices/layout"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/life"

	"golang.org/x/sys/unix"
)

// Config describes one core.
type Config struct {
	Core, Cores int
	Life        uint64
	RAM, MaxRAM uint64          // bytes of private memory; the process may map so much as MaxRAM that is writable
	Args, Env   []string        // argv and environment of the program
	Poll        time.Duration   // how long the idle loop polls before it sleeps
	Flags       uint64          // boot.Flag*
	CPU         int             // host CPU the process is pinned to, -1 for none
	Doorbells   []int           // event descriptors of all cores, then the VMM's
	Files       *hostmem.Memory // file tree that the program sees, shared; nil for none
	Input       bool            // it has a standard input: see Feed
	Confine     func() error    // holds the thread that starts the process, which inherits it; nil for nothing
}

// Process is one core's process.
type Process struct {
	cfg    Config
	file   *File
	region *hostmem.Memory
	boot   *hostmem.Memory
	Output *Output // what it writes
	input  *inlet  // its standard input, nil for none

	mu    sync.Mutex
	pid   int         // 0 before the start and after the end
	asked unix.Signal // last signal sent on behalf of the user, 0 for none
	stop  bool        // asked to end it at once
	park  bool        // asked to keep it stopped
	dying bool        // a look found it so
	peak  int         // KiB resident at most, once it is over
}

// New prepares the process; Run starts it. khz is the TSC's frequency.
func New(cfg Config, file *File, region *hostmem.Memory, khz uint64) (p *Process, err error) {
	p = &Process{cfg: cfg, file: file, region: region}
	defer func() {
		if err != nil {
			p.Close()
			p = nil
		}
	}()
	if p.boot, err = hostmem.AllocateShared("barreleye-boot", layout.PageSize); err != nil {
		return
	}
	*hostmem.View[boot.Page](p.boot, 0) = boot.Page{
		Magic: boot.Magic, ABI: layout.ABI, Core: uint32(cfg.Core), Cores: uint32(cfg.Cores), Life: cfg.Life,
		RAMSize: cfg.RAM, RAMEnd: cfg.MaxRAM, RegionSize: uint64(len(region.Bytes)),
		PollCycles: uint64(cfg.Poll.Nanoseconds()) * khz / 1_000_000, Flags: cfg.Flags,
	}
	if cfg.Files != nil {
		hostmem.View[boot.Page](p.boot, 0).FilesSize = uint64(len(cfg.Files.Bytes))
	}
	if cfg.Input {
		if p.input, err = newInlet(); err != nil {
			return
		}
	}
	p.Output, err = newOutput()
	return
}

// Run lets the core run until its life ends. It may be called once.
func (p *Process) Run() (end life.End, err error) {
	// The kernel ends the process with the thread that started it, so that
	// thread waits; it is never unlocked and ends with this goroutine.
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		end, err = p.run()
	}()
	<-done
	return
}

func (p *Process) run() (life.End, error) {
	if p.cfg.CPU >= 0 {
		var set unix.CPUSet
		set.Set(p.cfg.CPU)
		if err := unix.SchedSetaffinity(0, &set); err != nil { // the process inherits it
			return life.End{}, fmt.Errorf("core %d: pin to CPU %d: %w: use --pin none or CPUs this process may use", p.cfg.Core, p.cfg.CPU, err)
		}
	}
	if p.cfg.Confine != nil {
		if err := p.cfg.Confine(); err != nil {
			return life.End{}, fmt.Errorf("core %d: %w", p.cfg.Core, err)
		}
	}
	pid, err := p.start()
	if err != nil || pid == 0 {
		return life.End{Kind: life.Stopped}, err
	}
	// The number must stay the process's own until nobody can signal it any more.
	if err := retry(func() error { return awaitEnd(pid) }); err != nil {
		return life.End{}, fmt.Errorf("core %d: wait for process %d: %w: report it", p.cfg.Core, pid, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var status unix.WaitStatus
	var used unix.Rusage
	if err := retry(func() error { _, err := unix.Wait4(pid, &status, 0, &used); return err }); err != nil {
		return life.End{}, fmt.Errorf("core %d: wait for process %d: %w: report it", p.cfg.Core, pid, err)
	}
	p.pid, p.peak = 0, int(used.Maxrss)
	return p.judge(pid, status), nil
}

// trapped is CLD_TRAPPED (include/uapi/asm-generic/siginfo.h).
const trapped = 4

// awaitEnd returns once a process has ended, which waits to be reaped. To its parent a
// debugged one (Look) shows its stops too, until its debugger has seen them.
func awaitEnd(pid int) error {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if err != nil || info.Code != trapped {
			return err
		}
		runtime.Gosched()
	}
}

// retry repeats a call that a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// start starts the process, unless it was stopped before; then it returns 0.
func (p *Process) start() (pid int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.Output.started()
	if p.stop {
		return 0, nil
	}
	stdin, err := p.openInput()
	if err != nil {
		return 0, err
	}
	defer unix.Close(stdin)
	inherited := slices.Concat([]int{stdin, p.Output.write, p.Output.write, // 0, 1, 2
		p.file.fd, p.boot.Descriptor(), p.region.Descriptor()}, p.cfg.Doorbells)
	if p.cfg.Files != nil {
		inherited = append(inherited, p.cfg.Files.Descriptor())
	}
	files := make([]uintptr, len(inherited))
	for i, fd := range inherited {
		files[i] = uintptr(fd)
	}
	attr := &syscall.ProcAttr{
		Env:   append([]string{inherit.Variable + "=" + inherit.Value()}, p.cfg.Env...),
		Files: files,
		// Signals of the terminal are the VMM's to hand on, and no core outlives it.
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL},
	}
	page := hostmem.View[boot.Page](p.boot, 0)
	page.Flags |= boot.FlagIsolated
	if p.cfg.Confine != nil {
		page.Flags |= boot.FlagConfined
	}
	p.pid, err = startIsolated(p.cfg.Args, attr)
	if errors.Is(err, ErrIsolation) && p.cfg.Files == nil {
		page.Flags &^= boot.FlagIsolated // the program sees the host's files
		p.pid, err = syscall.ForkExec(image, p.cfg.Args, attr)
	}
	if err != nil {
		p.pid = 0
		return 0, fmt.Errorf("core %d: start as a process: %w: free memory or processes (ulimit -u); /proc must be mounted", p.cfg.Core, err)
	}
	if p.park {
		p.kill(unix.SIGSTOP)
	}
	return p.pid, nil
}

// judge says what the end of the process was for the core. mu is held.
func (p *Process) judge(pid int, status unix.WaitStatus) life.End {
	switch {
	case status.Exited():
		return life.End{Kind: life.Exited, Code: status.ExitStatus()}
	case p.stop && status.Signal() == unix.SIGKILL:
		return life.End{Kind: life.Stopped}
	case status.Signal() == p.asked:
		return life.End{Kind: life.Exited, Code: 128 + int(p.asked)} // as the CPU driver ends a program
	}
	return life.End{Kind: life.Killed, Detail: fmt.Sprintf("%s, process %d", unix.SignalName(status.Signal()), pid)}
}

// Signal sends the program a signal.
func (p *Process) Signal(sig unix.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = sig
	p.kill(sig)
}

// Stop makes Run return with life.Stopped, at once and for good.
func (p *Process) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop = true
	p.kill(unix.SIGKILL)
}

// kill signals the process if there is one. mu is held, so its number cannot
// have been given to another.
func (p *Process) kill(sig unix.Signal) {
	if p.pid != 0 {
		_ = unix.Kill(p.pid, sig) // one that ended meanwhile needs none
	}
}

// PID returns the process's number, 0 when it does not run.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// ResidentKiB returns the memory the process has to itself, in KiB; once it is
// over, the most it had resident, its share of text and region included.
func (p *Process) ResidentKiB() int {
	p.mu.Lock()
	pid, peak := p.pid, p.peak
	p.mu.Unlock()
	if pid == 0 {
		return peak
	}
	var size, resident, shared int
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)); err == nil {
		fmt.Sscan(string(b), &size, &resident, &shared)
	}
	return (resident - shared) * layout.PageSize / 1024
}

// Close gives everything back. The process must not be running.
func (p *Process) Close() error {
	if p.boot != nil {
		p.boot.Free()
		p.boot = nil
	}
	if p.input != nil {
		p.input.close() // it stays there for a Feed that begins late
	}
	if p.Output != nil {
		p.Output.close()
		p.Output = nil
	}
	return nil
}
