package cli

import (
	"strings"
	"testing"

	"barreleye/vmm/builtin"
)

// TestCompletion asks as the shells' scripts do.
func TestCompletion(t *testing.T) {
	for _, c := range []struct {
		line string
		want string // one of the completions
	}{
		{"ru", "run\t"},
		{"bench ", "urpc\t"},
		{"doctor -o ", "json\n"},
		{"run --pin ", "auto\t"},
		{"run --platform ", "hosted\t"},
		{"config sh", "show\t"},
		{"completion ", "fish\t"},
		{"init ", ":16\n"}, // folders
		{"test ./st", ":16\n"},
	} {
		words := strings.Split(c.line, " ")
		if got := inProcess("", append([]string{"__complete"}, words...)...); !strings.Contains("\n"+got.out, "\n"+c.want) {
			t.Errorf("%q: no %q among\n%s", c.line, c.want, got.out)
		}
	}
	got := inProcess("", "__complete", "run", "")
	for _, name := range builtin.Names() {
		if !strings.Contains(got.out, name+"\t") {
			t.Errorf("run: no image %s among\n%s", name, got.out)
		}
	}
}

// TestCompletionScripts wants one for each shell.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if got := inProcess("", "completion", shell); got.code != CodeOK || !strings.Contains(got.out, "__complete") {
			t.Errorf("%s: code %d, %.100s", shell, got.code, got.out)
		}
	}
}
