package sandbox

import (
	"runtime"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// What may be done with files, of the rights of landlock(7).
const (
	look   landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSReadDir
	change landlock.AccessFSSet = look | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSMakeReg |
		ll.AccessFSMakeDir | ll.AccessFSRemoveFile | ll.AccessFSRemoveDir
)

// reach is everything that has nothing to do with files: to bind or connect TCP ports,
// and to reach processes outside, by signals or abstract sockets. Debuggers cannot be
// attached to those either.
func reach() landlock.Config {
	c := landlock.Config{
		HandledAccessNet: ll.AccessNetBindTCP | ll.AccessNetConnectTCP,
		Scoped:           ll.ScopeAbstractUnixSocket | ll.ScopeSignal,
	}
	if version, _ := ll.LandlockGetABIVersion(); version < oneDomain && !mended() {
		c.Scoped &^= ll.ScopeSignal
	}
	return c.BestEffort()
}

// oneDomain is the version from which on all threads of a process can be put into one
// domain. Before, each makes its own, with the same rules.
const oneDomain = 8

// mended reports whether threads may signal each other across their domains, which the
// first kernels with signals in Landlock refuse (erratum 2).
func mended() bool {
	errata, _ := ll.LandlockGetErrata()
	return errata > 0 && errata&2 != 0
}

// confine restricts all threads, as far as the kernel's version of the interface goes.
func confine(c Config) error {
	if c.Processes {
		// A process starts in the domain of one thread. Others must signal it too, and
		// look at it.
		if version, _ := ll.LandlockGetABIVersion(); version < oneDomain {
			return nil
		}
		return reach().Restrict()
	}
	all := reach()
	all.HandledAccessFS = landlock.V7.HandledAccessFS
	return all.Restrict(landlock.PathAccess(look, "/proc").IgnoreIfMissing(), landlock.PathAccess(change, c.Folder))
}

// confineCore restricts this thread, which must be locked.
func confineCore() error {
	ruleset, flags, err := reach().NewRulesetFD()
	if err != nil || ruleset < 0 {
		return err
	}
	defer unix.Close(ruleset)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return ll.LandlockRestrictSelf(ruleset, flags)
}
