package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const fourCores = `# settings of a run
cores: 4
memory: 256M
pin: 0,1
env:
  - A=b
  - "C=d e"
ps: true
output: json
`

// show runs `barreleye config show -o json` and returns the settings by name.
func showConfig(t *testing.T, args ...string) map[string]setting {
	t.Helper()
	got := inProcess("", append([]string{"config", "show", "-o", "json"}, args...)...)
	var s settings
	if err := json.Unmarshal([]byte(got.out), &s); err != nil || got.code != CodeOK {
		t.Fatalf("%v: code %d, %v: %s%s", args, got.code, err, got.out, got.err)
	}
	all := map[string]setting{}
	for _, one := range s.Settings {
		all[one.Name] = one
	}
	return all
}

// TestConfigShow checks values and origins: default, file and flag, which wins.
func TestConfigShow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "four.yaml")
	if err := os.WriteFile(file, []byte(fourCores), 0o644); err != nil {
		t.Fatal(err)
	}
	all := showConfig(t, "--cores", "3", "--config", file)
	for _, want := range []setting{
		{"cores", 3.0, "flag", 0}, {"memory", "256M", "file", 3}, {"pin", "0,1", "file", 4}, {"tick", "10ms", "default", 0},
		{"ps", true, "file", 8}, {"maps", false, "default", 0}, {"output", "json", "file", 9},
	} {
		if got := all[want.Name]; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	env, _ := all["env"].Value.([]any)
	if !slices.Equal(env, []any{"A=b", "C=d e"}) {
		t.Errorf("env: %v", env)
	}
	if _, ok := all["config"]; ok {
		t.Error("config is no setting")
	}
	flagged := showConfig(t, "--env", "X=y", "--config", file)["env"]
	if list, _ := flagged.Value.([]any); flagged.From != "flag" || !slices.Equal(list, []any{"X=y"}) {
		t.Errorf("--env beside the file's: %+v", flagged)
	}
}

// TestConfigShowIsConfig reads what the command printed, and gets the same.
func TestConfigShowIsConfig(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.yaml"), filepath.Join(dir, "second.yaml")
	if err := os.WriteFile(first, []byte(fourCores), 0o644); err != nil {
		t.Fatal(err)
	}
	shown := inProcess("", "config", "show", "--config", first, "--tick", "0", "--env", "EMPTY=", "--env", "L=# no comment")
	if err := os.WriteFile(second, []byte(shown.out), 0o644); err != nil {
		t.Fatal(err)
	}
	again := inProcess("", "config", "show", "--config", second)
	values := func(text string) (v []string) {
		for line := range strings.Lines(text) {
			i := strings.LastIndex(line, " # ")
			if i < 0 {
				t.Fatalf("no origin in %q", line)
			}
			v = append(v, line[:i])
		}
		return v
	}
	if a, b := values(shown.out), values(again.out); !slices.Equal(a, b) || len(a) == 0 {
		t.Errorf("got\n%s\nwant\n%s%s", strings.Join(b, "\n"), strings.Join(a, "\n"), again.err)
	}
}

// TestConfigOfRun has a run take its number of cores from a file.
func TestConfigOfRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "many.yaml")
	if err := os.WriteFile(file, []byte("cores: 65\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(packageDir, "testdata", "guest")
	if got := inProcess("", "run", "--config", file, image); got.code != CodeUsage || !strings.Contains(got.err, "65 cores") {
		t.Errorf("code %d: %s", got.code, got.err)
	}
	if got := inProcess("", "run", "--config", file, "--cores", "66", image); !strings.Contains(got.err, "66 cores") {
		t.Errorf("a flag beside the file: code %d: %s", got.code, got.err)
	}
}
