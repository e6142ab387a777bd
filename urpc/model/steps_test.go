package model

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSteps finds every line of the program that steps.txt quotes, so that nobody
// changes what a model stands for without hearing of the model.
func TestSteps(t *testing.T) {
	var function, rest string // the function whose lines follow, and its text not yet used
	quoted := 0
	for i, line := range strings.Split(read(t, "steps.txt"), "\n") {
		switch {
		case line == "" || line[0] == '#':
		case line[0] != '\t':
			function = line
			file, name, _ := strings.Cut(line, " ")
			if rest = body(read(t, filepath.Join("../..", file)), name); rest == "" {
				t.Errorf("steps.txt:%d: %s has no function %s", i+1, file, name)
			}
		default:
			step, code, _ := strings.Cut(strings.TrimSpace(line), " <- ")
			_, after, found := strings.Cut(rest, oneSpace(code))
			if code == "" || !found {
				t.Errorf("steps.txt:%d: %s does not do %q any more, or earlier; %q stands for it", i+1, function, code, step)
				continue
			}
			rest = after
			file, name, _ := strings.Cut(step, " ")
			name, _, _ = strings.Cut(name, ":")
			if !regexp.MustCompile(`(?m)^(inline|proctype) ` + name + `\(`).MatchString(read(t, file)) {
				t.Errorf("steps.txt:%d: %s has no %q", i+1, file, name)
			}
			quoted++
		}
	}
	if quoted == 0 {
		t.Error("steps.txt quotes nothing")
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// body returns the text of a function or method, or of an assembly TEXT, with all
// white space made one.
func body(source, name string) string {
	name = regexp.QuoteMeta(name)
	for _, form := range []string{
		`(?ms)^func (?:\([^)]*\) )?` + name + `\(.*?^}`,
		`(?ms)^TEXT ·` + name + `\(SB\).*?(?:^TEXT|\z)`,
	} {
		if found := regexp.MustCompile(form).FindString(source); found != "" {
			return oneSpace(found)
		}
	}
	return ""
}

func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }
