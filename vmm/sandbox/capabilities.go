package sandbox

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// dropCapabilities drops all of them, but where root starts processes, which are to have
// mounts of their own.
func (c Config) dropCapabilities() error {
	kept := cap.NewSet()
	if c.Processes && os.Geteuid() == 0 {
		for _, v := range forMounts() {
			if has, err := cap.GetProc().GetFlag(cap.Permitted, v); err != nil || !has {
				continue
			}
			for _, flag := range []cap.Flag{cap.Permitted, cap.Effective} {
				if err := kept.SetFlag(flag, true, v); err != nil {
					return err
				}
			}
		}
	}
	return kept.SetProc()
}

// forMounts returns what it takes to give a process mounts of its own, of root's. Where
// there are user namespaces root may be root in one only with CAP_SETFCAP (Linux 5.12);
// the system calls that it is for otherwise are refused. Where there are none, as in a
// chroot, it is what mounting takes itself.
func forMounts() []cap.Value {
	if userNamespaces() {
		return []cap.Value{cap.SETFCAP}
	}
	return []cap.Value{cap.SYS_ADMIN, cap.SYS_CHROOT, cap.DAC_OVERRIDE}
}

// userNamespaces reports whether a process can have a user namespace: it would be made
// before it is noticed that there is no such program.
func userNamespaces() bool {
	_, err := syscall.ForkExec("/no/such/program", nil, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}})
	return err == unix.ENOENT
}
