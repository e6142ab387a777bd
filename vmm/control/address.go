package control

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// A socket's address has room for 107 bytes of path (unix(7)), folders of runs may have
// longer ones. So the folder is opened, and the socket named by the descriptor.

// folder opens a run's folder so that it can be named.
func folder(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	return os.NewFile(uintptr(fd), dir), nil
}

// address is the path of the socket in a folder while that is open.
func address(folder *os.File) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), Socket)
}

// remove deletes the socket.
func remove(folder *os.File) error {
	err := unix.Unlinkat(int(folder.Fd()), Socket, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}
