package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"barreleye/devices/filetree"
	"barreleye/guest/cpudriver"
)

// ErrMounts says that a program mounted too often.
var ErrMounts = errors.New("too many mounts: mount one file system with all the files")

// Mount makes the files of fsys, an embed.FS say, visible to os.Open and its
// kin below the absolute path prefix, for code that insists on file names. They
// are copied, and are there on this core only. Directories may exist already;
// an error wraps filetree.ErrClash, and nothing is mounted, where a name would
// stand for a file and something else. At most 63 mounts fit.
func Mount(prefix string, fsys fs.FS) error {
	if here == nil {
		return fmt.Errorf("guest: mount %s: this is no core of a multikernel: %w", prefix, errors.ErrUnsupported)
	}
	plan, err := planOf(prefix, fsys)
	if err == nil {
		err = here.Mount(plan)
	}
	if err != nil {
		return fmt.Errorf("guest: mount %s: %w", prefix, err)
	}
	return nil
}

// planOf collects the files of fsys, with prefix before their names.
func planOf(prefix string, fsys fs.FS) (*filetree.Plan, error) {
	plan := &filetree.Plan{}
	return plan, fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := fs.Stat(fsys, name) // d describes a symbolic link, not what it leads to
		if err != nil {
			return err
		}
		e := filetree.Entry{Path: path.Join(prefix, name), Mode: info.Mode(), Time: info.ModTime()}
		if !info.IsDir() {
			data, err := fs.ReadFile(fsys, name)
			if err != nil {
				return err
			}
			e.Size = uint64(len(data))
			e.Read = func(b []byte) error { copy(b, data); return nil }
		}
		return plan.Add(e)
	})
}

// mounts are the trees that the driver was given. It reads them for as long as
// the program runs, so they must stay.
type mounts struct {
	mu    sync.Mutex
	trees [][]byte
}

// add makes a tree of the plan and of all that there is, and hands it over.
func (m *mounts) add(plan *filetree.Plan) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	tree, number := cpudriver.Tree()
	if number+1 == cpudriver.Trees {
		return ErrMounts
	}
	if err := plan.AddTree(tree, uint32(number)+1); err != nil {
		return err
	}
	layout := plan.Layout()
	image := make([]byte, layout.Size)
	if err := layout.Write(image); err != nil {
		return err
	}
	m.trees = append(m.trees, image)
	if !cpudriver.AddTree(image) {
		return ErrMounts
	}
	return nil
}
