// Package runs knows the user's runs: each has a folder, and in it File, which
// says what runs there, by which process, and how it ended. docs/reference/logs.md
// describes it.
package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// File is the name of the file that describes a run, in its folder.
const File = "run.json"

// Run is one run. Its JSON names are stable.
type Run struct {
	ID       string     `json:"id"` // name of the folder
	Image    string     `json:"image"`
	Args     []string   `json:"args"`
	Cores    int        `json:"cores"`     // that it started with
	Room     int        `json:"max_cores"` // that there may be at once
	Platform string     `json:"platform"`
	PID      int        `json:"pid"`       // of the VMM
	PIDStart uint64     `json:"pid_start"` // when that process started, in clock ticks since the host's boot
	Started  time.Time  `json:"started"`
	Ended    *time.Time `json:"ended"`
	ExitCode *int       `json:"exit_code"`
	Error    string     `json:"error,omitempty"` // of the VMM, if it failed

	Dir string `json:"-"` // the folder

	lock *os.File // held while the run lives, by the process that runs it
}

// Begin writes down that this process starts a run in the existing folder dir,
// and holds the folder's lock until End. Of r it takes what is to run.
func Begin(dir string, r Run) (*Run, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("run: folder for the logs: %w: use --dir with an absolute path", err)
	}
	r.Dir, r.ID = dir, filepath.Base(dir)
	r.PID, r.PIDStart = os.Getpid(), processStart(os.Getpid())
	r.Ended, r.ExitCode = nil, nil
	if r.Args == nil {
		r.Args = []string{}
	}
	if r.lock, err = hold(dir); err != nil {
		return nil, err
	}
	if err := r.write(); err != nil {
		r.release()
		return nil, err
	}
	return &r, nil
}

// End writes down that the run ended with an exit code, and by which error of
// the VMM, if any, and gives the folder's lock back.
func (r *Run) End(code int, failed error) error {
	now := time.Now()
	r.Ended, r.ExitCode = &now, &code
	if failed != nil {
		r.Error = failed.Error()
	}
	defer r.release()
	return r.write()
}

func (r *Run) release() {
	if r.lock != nil {
		r.lock.Close()
		r.lock = nil
	}
}

// write replaces File as a whole: a reader sees the old one or the new one.
func (r *Run) write() error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("run: %s: %w: report it", File, err)
	}
	next := "free some space, or use --dir with a folder that can be written"
	if _, err := os.Stat(r.Dir); errors.Is(err, fs.ErrNotExist) {
		next = "leave the folder of a run that lives where it is"
	}
	temporary := filepath.Join(r.Dir, "."+File)
	if err := os.WriteFile(temporary, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("run: %w: %s", err, next)
	}
	if err := os.Rename(temporary, filepath.Join(r.Dir, File)); err != nil {
		return fmt.Errorf("run: %w: %s", err, next)
	}
	return nil
}

// MostCores returns how many cores the run may have had, 0 where its folder does not say.
func (r *Run) MostCores() int { return max(r.Cores, r.Room) }

// Open reads what a folder says about its run.
func Open(dir string) (*Run, error) {
	path := filepath.Join(dir, File)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Run{Dir: dir}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// States of a run.
const (
	Running = "running"
	Ended   = "ended"
	Died    = "died" // its VMM is gone and wrote down no end
)

// State returns how the run is now, as far as r knows of its end.
func (r *Run) State() string {
	switch {
	case r.Ended != nil:
		return Ended
	case r.lives():
		return Running
	}
	return Died
}
