package multikernel

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what the VMM knows of a core beside what it publishes itself, over all
// of its lives. Any goroutine may read it.
type usage struct {
	lives atomic.Uint64
	parks atomic.Uint64
	exits [maxExit]atomic.Uint64 // by KVM's reason

	mu     sync.Mutex
	who    worker        // the life that is on; nil where none is
	cpu    time.Duration // that lives which are over have had
	waited time.Duration
	seen   [2]time.Duration // of the life that is on, when it was looked at last
}

// maxExit bounds KVM's reasons to leave for user space (linux/kvm.h).
const maxExit = 64

// worker is what Linux runs for a core: a thread, or a process.
type worker interface {
	// clock returns the clock of its CPU time, false where there is none yet.
	clock() (clock int32, ok bool)
	// delays names the files that say for how long its threads waited for a CPU.
	delays() string
}

// Clocks of CPU time: clock_getcpuclockid(3), include/linux/posix-timers.h.
const (
	clockSched  = 2
	clockThread = 4
)

// thread is a vCPU's.
type thread int

func (t thread) clock() (int32, bool) { return int32(^int(t))<<3 | clockThread | clockSched, true }
func (t thread) delays() string       { return fmt.Sprintf("/proc/self/task/%d/schedstat", int(t)) }

// begin notes that a life begins, carried by who.
func (u *usage) begin(who worker) {
	u.lives.Add(1)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.who = who
}

// end notes that it is over. A thread looks at itself once more.
func (u *usage) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.look()
	u.cpu, u.waited = u.cpu+u.seen[0], u.waited+u.seen[1]
	u.who, u.seen = nil, [2]time.Duration{}
}

// times returns how much CPU time the core has had, and for how long it waited for a
// CPU although it could have run.
func (u *usage) times() (cpu, waited time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.look()
	return u.cpu + u.seen[0], u.waited + u.seen[1]
}

// look reads what the life that is on has had, with mu held. Where that cannot be
// read, or has become less as threads ended, what was seen before stays.
func (u *usage) look() {
	if u.who == nil {
		return
	}
	if clock, ok := u.who.clock(); ok {
		var ts unix.Timespec
		if unix.ClockGettime(clock, &ts) == nil {
			u.seen[0] = max(u.seen[0], time.Duration(ts.Nano()))
		}
	}
	var waited time.Duration
	files, _ := filepath.Glob(u.who.delays()) // the pattern is right
	for _, file := range files {
		var run, delay int64
		if text, err := os.ReadFile(file); err == nil {
			if _, err := fmt.Sscan(string(text), &run, &delay); err == nil {
				waited += time.Duration(delay)
			}
		}
	}
	u.seen[1] = max(u.seen[1], waited)
}
