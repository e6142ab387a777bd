package guesttest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// find returns the path of the barreleye command. dir holds Barreleye's
// sources, "" where they are not known; build makes a command of them.
func find(dir string, getenv func(string) string, lookPath func(string) (string, error), build func(string) (string, error)) (string, error) {
	if path := getenv("BARRELEYE"); path != "" {
		return path, nil
	}
	if dir != "" {
		// Built there, or installed in PREFIX/bin with the sources in
		// PREFIX/share/barreleye/src.
		for _, up := range []string{".", "../../.."} {
			path := filepath.Join(dir, up, "bin", "barreleye")
			if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
				return path, nil
			}
		}
	}
	if path, err := lookPath("barreleye"); err == nil {
		return path, nil
	}
	if dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "cmd", "barreleye")); err == nil {
			return build(dir)
		}
	}
	return "", errors.New("guesttest: the barreleye command is not on PATH: install it, or name it in the environment: BARRELEYE=/path/to/barreleye")
}

// sources returns the folder of Barreleye's module as the module under test
// has it, "" where there is none.
func sources() string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "barreleye").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// build returns what builds the command for the time of the test.
func build(t testing.TB) func(dir string) (string, error) {
	return func(dir string) (string, error) {
		path := filepath.Join(t.TempDir(), "barreleye")
		out, err := exec.Command("go", "build", "-C", dir, "-buildvcs=false", "-o", path, "./cmd/barreleye").CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("guesttest: go build of the barreleye command in %s: %w: build it there with make\n%s", dir, err, out)
		}
		return path, nil
	}
}
