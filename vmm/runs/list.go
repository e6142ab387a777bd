package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// List returns the runs in the user's folder of runs, the newest first. A
// folder that says nothing about a run is none.
func List(root string) ([]*Run, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("runs: %w: make the folder readable", err)
	}
	var list []*Run
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if r, err := Open(filepath.Join(root, e.Name())); err == nil {
			r.ID = e.Name()
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *Run) int {
		if c := b.Started.Compare(a.Started); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	return list, nil
}

// Latest is the name by which Find returns the newest run.
const Latest = "latest"

// Errors of Find.
var (
	ErrNone      = errors.New("no such run")
	ErrAmbiguous = errors.New("several runs start so")
)

// Find returns the run that name stands for: Latest, a run's ID or a unique
// start of one, or a folder. getRoot names the user's folder of runs, where it
// is needed.
func Find(getRoot func() (string, error), name string) (*Run, error) {
	if strings.ContainsRune(name, filepath.Separator) || name == "." || name == ".." {
		r, err := Open(name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNone, err)
		}
		return r, nil
	}
	root, err := getRoot()
	if err != nil {
		return nil, err
	}
	list, err := List(root)
	if err != nil {
		return nil, err
	}
	if name == Latest {
		if len(list) == 0 {
			return nil, fmt.Errorf("%w: %s is empty", ErrNone, root)
		}
		return list[0], nil
	}
	var found []*Run
	for _, r := range list {
		if r.ID == name {
			return r, nil
		}
		if strings.HasPrefix(r.ID, name) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if r, err := Open(name); err == nil {
			return r, nil
		}
		return nil, ErrNone
	}
	return nil, fmt.Errorf("%w: %s, %s", ErrAmbiguous, found[0].ID, found[1].ID)
}

// Living returns those of the user's runs that live, the newest first.
func Living(root string) ([]*Run, error) {
	list, err := List(root)
	return slices.DeleteFunc(list, func(r *Run) bool { return r.State() != Running }), err
}

// Prune says which runs Remove is for: those that do not live, but the newest
// keep of all, and only those that ended, or of which nothing was heard, for at
// least older.
func Prune(list []*Run, keep int, older time.Duration, now time.Time) (remove []*Run) {
	for i, r := range list {
		if i >= keep && r.State() != Running && now.Sub(r.last()) >= older {
			remove = append(remove, r)
		}
	}
	return remove
}

// last returns when the run was last heard of.
func (r *Run) last() time.Time {
	if r.Ended != nil {
		return *r.Ended
	}
	last := r.Started
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return last
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

// Remove deletes the run's folder, unless the run lives, and says whether it did.
func (r *Run) Remove() (removed bool, err error) {
	// it may have been started again since the list was made
	if now, err := Open(r.Dir); err == nil && now.State() == Running {
		return false, nil
	}
	if _, known := locked(r.Dir); known {
		// nothing starts there meanwhile
		lock, err := hold(r.Dir)
		if errors.Is(err, ErrLives) {
			return false, nil
		}
		if lock != nil {
			defer lock.Close()
		}
	}
	if err := os.RemoveAll(r.Dir); err != nil {
		return false, fmt.Errorf("runs: %w: remove the folder by hand", err)
	}
	return true, nil
}
