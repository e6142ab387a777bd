package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInput runs the real binary as a shell would, with standard input of all
// kinds and a file.
func TestInput(t *testing.T) {
	binary, image, dir := command(t)
	file := filepath.Join(t.TempDir(), "given")
	if err := os.WriteFile(file, []byte("contents"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, platform := range platforms() {
		run := fmt.Sprintf("'%s' run --platform %s --dir '%s' --file '%s:/etc/given' '%s' --", binary, platform, dir, file, image)
		for _, c := range []struct {
			name, script string
			want         []string // lines of stdout
		}{
			{"pipe", "echo hello | " + run + " read /etc/given",
				[]string{`[0] input "hello\n" <nil>`, `[1] input "" <nil>`, `[0] file "contents" <nil>`, `[1] file "contents" <nil>`}},
			{"empty", run + " read /etc/given </dev/null", []string{`[0] input "" <nil>`}},
			{"closed", run + " read /etc/given <&-", []string{`[0] input "" <nil>`}},
			// a program that reads nothing leaves all lines to the shell
			{"loop", `printf 'a\nb\nc\n' | while read -r line; do echo "shell $line"; ` + run + " end; done",
				[]string{"shell a", "shell b", "shell c"}},
		} {
			t.Run(platform+" "+c.name, func(t *testing.T) {
				out, err := exec.Command("sh", "-c", c.script).Output()
				if err != nil {
					t.Errorf("%v", err)
				}
				for _, line := range c.want {
					if !strings.Contains("\n"+string(out), "\n"+line+"\n") {
						t.Errorf("stdout lacks %q:\n%s", line, out)
					}
				}
			})
		}
	}
}
