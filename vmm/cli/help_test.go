package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// everyCommand calls f for each command of the tree but hidden ones.
func everyCommand(f func(*cobra.Command)) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		f(cmd)
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	root := Command(&Host{})
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	walk(root)
}

// ofCobra are commands whose texts come with the library.
func ofCobra(cmd *cobra.Command) bool {
	return cmd.Name() == "help" || strings.HasPrefix(cmd.CommandPath(), "barreleye completion")
}

// TestHelp wants help with examples on every command, and every flag explained.
func TestHelp(t *testing.T) {
	everyCommand(func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		if cmd.Short == "" || cmd.Long == "" {
			t.Errorf("%s: no short or no long description", path)
		}
		if strings.HasSuffix(cmd.Short, ".") || strings.Contains(cmd.Short, "\n") {
			t.Errorf("%s: the short description %q is not a line without a full stop", path, cmd.Short)
		}
		if !ofCobra(cmd) && !strings.Contains(cmd.Example, path) {
			t.Errorf("%s: no example of it", path)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: --%s has no explanation", path, f.Name)
			}
		})
	})
}

// TestExamples reads every example's command line as the command would, so
// that none shows a command or flag that does not exist.
func TestExamples(t *testing.T) {
	everyCommand(func(cmd *cobra.Command) {
		if ofCobra(cmd) {
			return
		}
		for line := range strings.Lines(cmd.Example) {
			// what gdb runs in place of a target
			line = strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(line), "gdb -ex 'target remote | "), "' ./program", "")
			line, _, _ = strings.Cut(line, " | ")
			line, _, _ = strings.Cut(line, " > ")
			words := strings.Fields(line)
			if strings.HasPrefix(line, "go tool pprof ") {
				continue // what the file of the line before is for
			}
			if len(words) == 0 || words[0] != "barreleye" {
				t.Errorf("%s: the example %q is no command of ours", cmd.CommandPath(), line)
				continue
			}
			root := Command(&Host{})
			root.InitDefaultCompletionCmd()
			used, rest, err := root.Find(twoDashes(words[1:]))
			if err == nil {
				err = used.ParseFlags(rest)
			}
			if err == nil {
				err = used.ValidateArgs(used.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: the example %q: %v", cmd.CommandPath(), line, err)
			}
		}
	})
}

// noFacts are commands that print nothing a script would want to read, or, as
// test, what another program prints; top shows those of ps, pprof and trace write files
// of forms that have names, and debug speaks with gdb.
var noFacts = map[string]bool{"barreleye test": true, "barreleye debug": true, "barreleye top": true, "barreleye pprof": true, "barreleye trace": true}

// TestOutputFlag wants -o json on every command that prints facts.
func TestOutputFlag(t *testing.T) {
	everyCommand(func(cmd *cobra.Command) {
		if ofCobra(cmd) || cmd.HasSubCommands() || noFacts[cmd.CommandPath()] {
			return
		}
		if f := cmd.Flags().Lookup("output"); f == nil || f.Shorthand != "o" {
			t.Errorf("%s: no -o, --output: add outputFlag, or name it in noFacts", cmd.CommandPath())
		}
	})
}

// TestVersionFlag wants of the flag what the command shows.
func TestVersionFlag(t *testing.T) {
	want := inProcess("", "version")
	for _, flag := range []string{"--version", "-v"} {
		if got := inProcess("", flag); got != want || got.out == "" {
			t.Errorf("%s: %+v, want %+v", flag, got, want)
		}
	}
}
