package hosted

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"barreleye/devices/boot"
	"barreleye/devices/filetree"
	"barreleye/devices/inherit"
)

// A core sees nothing but the files that it was given, and those that the
// program mounts, read-only. On this platform that is a file system in memory of
// the process's own, filled before the program starts. The VMM starts the
// process with mounts of its own; where Linux does not permit that, and there
// are no files to see, the program sees the host's, as any process does.

// Inside the file system: what it holds, and the view on that which becomes the
// root. There is nothing else in it.
const (
	scratch = "/proc" // mounted here, for /proc is there: the image was started from it
	store   = scratch + "/store"
	view    = scratch + "/view"
)

// isolate makes the file tree the process's root. What there is of /proc is
// reached through c.proc from then on.
func (c *Core) isolate() error {
	if c.page.Flags&boot.FlagIsolated == 0 {
		return nil
	}
	err := c.makeStore()
	if err == nil {
		err = c.fill()
	}
	if err == nil {
		err = c.enter()
	}
	switch {
	case err == nil:
		return nil
	case c.page.FilesSize != 0:
		return fmt.Errorf("hosted core: files: %w: give the host more memory, allow user namespaces, or use --platform kvm", err)
	}
	if c.files != nil {
		c.files.Close()
		c.files = nil
		syscall.Unmount(scratch, syscall.MNT_DETACH)
	}
	return nil
}

// makeStore mounts the file system, empty.
func (c *Core) makeStore() error {
	const flags = syscall.MS_NOSUID | syscall.MS_NODEV
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return os.NewSyscallError("mounts of its own", err)
	}
	if err := syscall.Mount("files", scratch, "tmpfs", flags, "mode=0755"); err != nil {
		return os.NewSyscallError("mount tmpfs", err)
	}
	err := errors.Join(os.Mkdir(store, 0o755), os.Mkdir(view, 0o755))
	if err == nil {
		c.files, err = os.OpenRoot(store)
	}
	if err == nil {
		err = syscall.Mount(store, view, "", syscall.MS_BIND, "")
	}
	if err == nil {
		err = syscall.Mount("", view, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY|flags, "")
	}
	return err
}

// fill copies the files that the VMM gave.
func (c *Core) fill() error {
	if c.page.FilesSize == 0 {
		return c.finish(filetree.Entry{Path: "/", Mode: fs.ModeDir})
	}
	fd := inherit.FilesOf(c.view.Cores)
	defer syscall.Close(fd)
	b, err := syscall.Mmap(fd, 0, int(c.page.FilesSize), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	defer syscall.Munmap(b)
	tree, ok := filetree.Open(b)
	if !ok {
		return errors.New("the file tree is of another version: rebuild the image with this VMM's version")
	}
	var plan filetree.Plan
	if err := plan.AddTree(tree, filetree.Here); err != nil {
		return err
	}
	entries := plan.Entries()
	for i := range entries {
		e := &entries[i]
		e.Read = func(to []byte) error {
			n := filetree.Node{Offset: e.Offset, Size: e.Size}
			from, ok := n.Data(b)
			if !ok {
				return errors.New("the file tree is damaged")
			}
			copy(to, from)
			return nil
		}
	}
	if err := c.put(entries); err != nil {
		return err
	}
	return c.finish(entries[0]) // the root
}

// enter makes the view the root.
func (c *Core) enter() error {
	for _, step := range []func() error{
		func() error { return os.NewSyscallError("chdir", syscall.Chdir(view)) },
		func() error { return os.NewSyscallError("chroot", syscall.Chroot(".")) },
		func() error { return os.NewSyscallError("chdir", syscall.Chdir("/")) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// Mount adds the files of a plan to those that the program sees.
func (c *Core) Mount(plan *filetree.Plan) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == nil {
		return fmt.Errorf("Linux permits this process no mounts of its own: %w: allow user namespaces, or run on KVM", errors.ErrUnsupported)
	}
	entries := plan.Entries()
	for _, e := range entries {
		info, err := c.files.Stat(inside(e.Path))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, syscall.ENOTDIR), err == nil && !(info.IsDir() && e.Mode.IsDir()):
			return fmt.Errorf("%s: %w", e.Path, filetree.ErrClash)
		case err != nil:
			return err
		}
	}
	return c.put(entries)
}

// inside returns an absolute path as one of the file system's.
func inside(path string) string {
	if path == "/" {
		return "."
	}
	return path[1:]
}

// put makes files, and folders that are not there.
func (c *Core) put(entries []filetree.Entry) error {
	var made []filetree.Entry
	for _, e := range entries {
		if e.Mode.IsDir() {
			err := c.files.Mkdir(inside(e.Path), 0o755)
			if errors.Is(err, fs.ErrExist) {
				continue
			}
			if err != nil {
				return err
			}
		} else {
			data := make([]byte, e.Size)
			if err := e.Read(data); err != nil {
				return err
			}
			if err := c.files.WriteFile(inside(e.Path), data, 0o644); err != nil {
				return err
			}
		}
		made = append(made, e)
	}
	// a folder after what is in it, which changes its time
	for _, e := range slices.Backward(made) {
		if err := c.finish(e); err != nil {
			return err
		}
	}
	return nil
}

// finish gives a file or folder its permissions and time.
func (c *Core) finish(e filetree.Entry) error {
	if err := c.files.Chmod(inside(e.Path), filetree.Permissions(e.Mode)); err != nil || e.Time.IsZero() {
		return err
	}
	return c.files.Chtimes(inside(e.Path), e.Time, e.Time)
}
