package sandbox

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/elastic/go-seccomp-bpf"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// Config says what the process needs yet.
type Config struct {
	// Processes says that cores are processes, which are started for each life: the
	// process keeps the system calls for that, and since the cores mount what they see
	// as files, Landlock leaves the files alone, for it permits no mounts.
	Processes bool
	// Folder is where it may make, write and remove files. It reads there, and in /proc.
	Folder string
}

// Held is what holds the process from now on.
type Held struct {
	Seccomp  bool
	Landlock int // version of its interface, 0 for none
}

// String says it in one line, and what is lacking.
func (h Held) String() string {
	has := []string{"no capabilities"}
	var lacks []string
	if h.Seccomp {
		has = append(has, "seccomp")
	} else {
		lacks = append(lacks, "seccomp")
	}
	if h.Landlock > 0 {
		has = append(has, fmt.Sprintf("Landlock %d", h.Landlock))
	} else {
		lacks = append(lacks, "Landlock")
	}
	s := strings.Join(has, ", ")
	if len(lacks) > 0 {
		s += "; this kernel has no " + strings.Join(lacks, " and no ")
	}
	return s
}

// Offered returns what would hold the process.
func Offered() (h Held) {
	h.Seccomp = seccomp.Supported()
	h.Landlock, _ = ll.LandlockGetABIVersion() // 0 with an error
	return h
}

// Enter gives up what Config does not name. It holds for all threads, those of today and
// later ones, and for processes that they start; nothing undoes it.
func Enter(c Config) (h Held, err error) {
	h = Offered()
	if err := confine(c); err != nil {
		return h, fmt.Errorf("sandbox: Landlock: %w: use --sandbox=false", err)
	}
	if err := c.dropCapabilities(); err != nil {
		return h, fmt.Errorf("sandbox: drop capabilities: %w: use --sandbox=false", err)
	}
	if h.Seccomp {
		if err := load(c.policy(), seccomp.FilterFlagTSync); err != nil {
			return h, fmt.Errorf("sandbox: %w: use --sandbox=false", err)
		}
	}
	return h, nil
}

// Core holds this thread, which must be locked to its goroutine for good, to what a core
// may do that is a process, for it to start that process. The guest's half takes what
// starting takes beyond that (guest/hosted).
func Core() error {
	if err := confineCore(); err != nil {
		return fmt.Errorf("sandbox: Landlock: %w: use --sandbox=false", err)
	}
	if !seccomp.Supported() {
		return nil
	}
	if err := load(corePolicy(), 0); err != nil {
		return fmt.Errorf("sandbox: %w: use --sandbox=false", err)
	}
	return nil
}

// load installs a filter. Where it is for all threads that includes no_new_privs.
func load(p seccomp.Policy, flag seccomp.FilterFlag) error {
	runtime.LockOSThread() // no_new_privs and the filter are the same thread's
	defer runtime.UnlockOSThread()
	return seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: flag, Policy: p})
}
