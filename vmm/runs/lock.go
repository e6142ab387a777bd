package runs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// LockFile is the name of the file that a living run holds locked. The lock is
// one of an open file description (fcntl(2), F_OFD_SETLK): the kernel drops it
// with the process, it is seen from other PID namespaces, where the process has
// another number or none, and it can be looked at without being taken.
const LockFile = "lock"

// ErrLives is the error of Begin where another run goes on in the folder.
var ErrLives = errors.New("another run goes on there")

// whole is a lock of the whole file, for one holder.
func whole() *unix.Flock_t { return &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart} }

// hold takes the folder's lock, until the file is closed. It returns nil where
// the file system knows no locks.
func hold(dir string) (*os.File, error) {
	path := filepath.Join(dir, LockFile)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("run: %w: use --dir with a folder that can be written", err)
	}
	switch err := unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, whole()); {
	case err == nil:
		return file, nil
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
		file.Close()
		return nil, fmt.Errorf("run: %s: %w: use --dir with another folder", dir, ErrLives)
	}
	file.Close()
	os.Remove(path) // its absence says that the process's number counts
	return nil, nil
}

// locked reports whether the folder's lock is held, and whether that can be
// known: older runs have none.
func locked(dir string) (held, known bool) {
	file, err := os.Open(filepath.Join(dir, LockFile))
	if err != nil {
		return false, false
	}
	defer file.Close()
	lock := whole()
	if err := unix.FcntlFlock(file.Fd(), unix.F_OFD_GETLK, lock); err != nil {
		return false, false
	}
	return lock.Type != unix.F_UNLCK, true
}

// lives reports whether the process of the run lives.
func (r *Run) lives() bool {
	if held, known := locked(r.Dir); known {
		return held
	}
	start := processStart(r.PID)
	return start != 0 && start == r.PIDStart
}
