package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// runDir makes the folder for a run's logs: dir if given, otherwise a new one
// among the user's runs, which has its name from when the run began.
func (h *Host) runDir(dir string, began time.Time) (string, error) {
	if dir == "" {
		root, err := h.runsDir()
		if err != nil {
			return "", usage("run: no folder for the logs: %w, or use --dir", err)
		}
		dir = filepath.Join(root, fmt.Sprintf("%s-%d", began.Format("20060102-150405"), os.Getpid()))
		dir = unused(dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", &failure{CodeHost, fmt.Errorf("run: folder for the logs: %w: use --dir with a folder that can be written", err)}
	}
	return dir, nil
}

// unused returns dir, or that with a number behind it: one command may run
// several times in a second.
func unused(dir string) string {
	for name, n := dir, 2; ; n++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = fmt.Sprintf("%s-%d", dir, n)
	}
}

// runsDir is where the user's runs are, in what the user's programs keep as
// state (XDG base directories).
func (h *Host) runsDir() (string, error) {
	state := h.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home := h.Getenv("HOME")
		if home == "" {
			return "", usage("neither XDG_STATE_HOME nor HOME is set: set one")
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "barreleye", "runs"), nil
}
