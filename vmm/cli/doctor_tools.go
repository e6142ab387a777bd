package cli

import (
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// oldestGo is the oldest toolchain that builds guest programs: the go line of
// go.mod.
const oldestGo = "go1.26"

// checkGo asks the go tool for its version.
func checkGo(d *diagnosis) {
	const name, from = "go tool", "install Go from https://go.dev/dl/ to run programs by their folder"
	tool, err := exec.LookPath("go")
	if err != nil {
		d.note(name, "not on PATH: built images can be run, folders cannot", from)
		return
	}
	// in a folder without a go.mod that asks for another version
	cmd := exec.Command(tool, "env", "GOVERSION")
	cmd.Dir, cmd.Env = os.TempDir(), append(os.Environ(), "GOTOOLCHAIN=local")
	out, err := cmd.Output()
	have := strings.TrimSpace(string(out))
	switch {
	case err != nil:
		d.warn(name, fmt.Sprintf("%s env GOVERSION: %v", tool, err), from)
	case version.Compare(have, oldestGo) < 0:
		d.warn(name, fmt.Sprintf("%s is %s, want %s or later", tool, have, oldestGo), from)
	default:
		d.ok(name, "%s: programs can be run by their folder", have)
	}
}

// checkLogs makes a folder for logs, as a run would, and removes it.
func (h *Host) checkLogs(d *diagnosis) {
	dir, err := h.runDir("", time.Now())
	if err != nil {
		d.warn("logs", err.Error(), "use --dir with each run, or set XDG_STATE_HOME to a folder that can be written")
		return
	}
	// no other run has its name, and it is empty
	if err := os.Remove(dir); err != nil {
		d.warn("logs", err.Error(), "free some space, or use --dir")
		return
	}
	d.ok("logs", "runs keep theirs in %s", filepath.Dir(dir))
}

// laneTools are what scripts/svm-lane runs, and the Debian packages with them.
var laneTools = []struct{ tool, debian string }{
	{"qemu-system-x86_64", "qemu-system-x86"}, {"busybox", "busybox-static"}, {"cpio", "cpio"},
}

// checkLane looks for what the test lane with emulated SVM needs. Only those
// who change Barreleye itself want it.
func checkLane(d *diagnosis) {
	var packages []string
	for _, t := range laneTools {
		if _, err := exec.LookPath(t.tool); err != nil {
			packages = append(packages, t.debian)
		}
	}
	if len(packages) > 0 {
		d.note("SVM lane", "its tests cannot run; cores do not need it", "to test Barreleye itself: apt-get install "+strings.Join(packages, " "))
		return
	}
	d.ok("SVM lane", "its tools are there")
}
