package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// runDir makes the folder for a run's logs: dir if given, otherwise a new one
// among the user's state.
func (h *Host) runDir(dir string) (string, error) {
	if dir == "" {
		state, err := h.stateDir()
		if err != nil {
			return "", err
		}
		name := fmt.Sprintf("%s-%d", time.Now().Format("20060102-150405"), os.Getpid())
		dir = filepath.Join(state, "barreleye", "runs", name)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", &failure{CodeHost, fmt.Errorf("run: folder for the logs: %w: use --dir with a folder that can be written", err)}
	}
	return dir, nil
}

// stateDir is where the user's programs keep state (XDG base directories).
func (h *Host) stateDir() (string, error) {
	if dir := h.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	if home := h.Getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state"), nil
	}
	return "", usage("run: no folder for the logs: neither XDG_STATE_HOME nor HOME is set: use --dir")
}
