// Package temporary makes the temporary folders of the command, and removes those
// that are left when a signal ends it, where no deferred call runs any more.
package temporary

import (
	"errors"
	"os"
	"sync"
)

var (
	mu   sync.Mutex
	over bool // RemoveAll was called
	dirs = map[string]bool{}
)

// errOver is for who still works while the command ends.
var errOver = errors.New("the command was told to end")

// Dir makes a folder below TMPDIR as os.MkdirTemp does. The caller calls remove
// when it is done with it.
func Dir(pattern string) (dir string, remove func(), err error) {
	mu.Lock()
	defer mu.Unlock()
	if over {
		return "", nil, errOver
	}
	if dir, err = os.MkdirTemp("", pattern); err != nil {
		return "", nil, err
	}
	dirs[dir] = true
	return dir, func() {
		mu.Lock()
		defer mu.Unlock()
		delete(dirs, dir)
		os.RemoveAll(dir)
	}, nil
}

// RemoveAll removes the folders that are left, and no other is made. The command
// exits afterwards.
func RemoveAll() {
	mu.Lock()
	defer mu.Unlock()
	over = true
	for dir := range dirs {
		os.RemoveAll(dir)
	}
}
