package hosted

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"barreleye/devices/inherit"

	"golang.org/x/sys/unix"
)

// image is the file that a process with the inherited descriptors runs.
var image = fmt.Sprintf("/proc/self/fd/%d", inherit.Image)

// startIsolated starts the image with mounts of its own, so that what it sees
// as files can be the file tree (guest/hosted makes it so). Root may have them
// as it is, others as root of a user namespace. ErrIsolation where Linux
// permits neither.
func startIsolated(args []string, attr *syscall.ProcAttr) (pid int, err error) {
	sys := *attr.Sys
	isolated := *attr
	isolated.Sys = &sys
	if os.Geteuid() == 0 {
		sys.Cloneflags = unix.CLONE_NEWNS
		if pid, err = syscall.ForkExec(image, args, &isolated); !refused(err) {
			return pid, err
		}
	}
	sys.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWUSER
	sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	if pid, err = syscall.ForkExec(image, args, &isolated); refused(err) {
		err = fmt.Errorf("%w: %w", ErrIsolation, err)
	}
	return pid, err
}

// ErrIsolation says that a process cannot have mounts of its own.
var ErrIsolation = errors.New("Linux permits no mount namespace")

// refused reports whether Linux does not permit a namespace, or has none left.
func refused(err error) bool {
	for _, e := range []error{unix.EPERM, unix.EACCES, unix.EINVAL, unix.ENOSPC, unix.EUSERS, unix.ENOSYS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// TryIsolation starts the image once, as a process that is no core, and so ends
// at once. A file tree can be seen only where that works.
func (f *File) TryIsolation() error {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("hosted: %s: %w: mount /dev", os.DevNull, err)
	}
	defer unix.Close(null)
	n, fd := uintptr(null), uintptr(f.fd)
	pid, err := startIsolated([]string{"image"}, &syscall.ProcAttr{Files: []uintptr{n, n, n, fd}, Sys: &syscall.SysProcAttr{}})
	if err != nil {
		return fmt.Errorf("hosted: files: %w: permit user namespaces (sysctl user.max_user_namespaces), run as root, or use --platform kvm", err)
	}
	_ = retry(func() error { _, err := unix.Wait4(pid, nil, 0, nil); return err })
	return nil
}
