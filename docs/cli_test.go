package docs

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"barreleye/vmm/cli"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/yuin/goldmark/ast"
)

// commands is the tree of the command line, with what cobra adds.
func commands() *cobra.Command {
	root := cli.Command(&cli.Host{})
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	return root
}

// TestCommandLine compares docs/reference/cli.md with the commands there are: it
// has a section for each command of the first level, in which all flags and
// subcommands stand, and none that does not exist.
func TestCommandLine(t *testing.T) {
	p := readPage(t, "docs/reference/cli.md")
	sections := p.sections()
	run, _, err := commands().Find([]string{"run"})
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range commands().Commands() {
		if cmd.Hidden || cmd.Name() == "help" {
			continue
		}
		section := sections[cmd.Name()]
		if section == "" {
			t.Errorf("%s: no section for %s", p.name, cmd.CommandPath())
			continue
		}
		if cmd.Name() == "completion" {
			continue // cobra's own
		}
		known := map[string]bool{}
		var walk func(*cobra.Command)
		walk = func(cmd *cobra.Command) {
			cmd.Flags().VisitAll(func(f *pflag.Flag) {
				known["--"+f.Name] = true
				asRun := strings.Contains(section, "flags of `run`") && run.Flags().Lookup(f.Name) != nil
				if !mentions(section, f.Name) && !asRun && f.Name != "output" {
					t.Errorf("%s: section %s lacks --%s of %s", p.name, cmd.Name(), f.Name, cmd.CommandPath())
				}
			})
			for _, sub := range cmd.Commands() {
				if sub.Hidden {
					continue
				}
				if !strings.Contains(section, sub.Name()) {
					t.Errorf("%s: no word of %s", p.name, sub.CommandPath())
				}
				walk(sub)
			}
		}
		walk(cmd)
		for _, flag := range anyFlag.FindAllString(section, -1) {
			if name := strings.TrimLeft(flag, "`"); !known[name] && run.Flags().Lookup(name[2:]) == nil {
				t.Errorf("%s: section %s has %s, which no such command takes", p.name, cmd.Name(), name)
			}
		}
	}
}

var anyFlag = regexp.MustCompile("`--[a-z][a-z-]*")

// mentions reports whether a section has a flag: a row where it has a table of
// flags, otherwise a word, with one dash or with two.
func mentions(section, flag string) bool {
	before := ""
	if strings.Contains(section, "| Flag |") {
		before = `(?m)^\|[^|]*`
	}
	return regexp.MustCompile(before + "-" + regexp.QuoteMeta(flag) + `\b`).MatchString(section)
}

// sections returns the text of a page below each of its second-level headings.
func (p *page) sections() map[string]string {
	m := map[string]string{}
	for part := range strings.SplitSeq("\n"+string(p.text), "\n## ") {
		heading, text, _ := strings.Cut(part, "\n")
		m[strings.ToLower(strings.TrimSpace(heading))] = text
	}
	return m
}

// TestInlineCommands wants that commands in running text exist, and their flags.
func TestInlineCommands(t *testing.T) {
	for _, p := range readPages(t) {
		each(p, func(c *ast.CodeSpan) {
			words := strings.Fields(p.inner(c))
			if len(words) < 2 || words[0] != "barreleye" || strings.HasPrefix(words[1], "[") {
				return
			}
			cmd, rest, err := commands().Find(words[1:])
			if err == nil && cmd.Name() != "test" { // whose flags may have one dash
				err = cmd.ParseFlags(beforeDash(rest))
			}
			if err != nil && !errors.Is(err, pflag.ErrHelp) && !strings.Contains(err.Error(), "invalid argument") {
				t.Errorf("%s: `%s`: %v", p.name, p.inner(c), err)
			}
		})
	}
}

// beforeDash drops the brackets of a synopsis, and what is for other programs.
func beforeDash(words []string) (list []string) {
	for _, w := range words {
		if w == "--" || w == "|" {
			break
		}
		if !strings.HasPrefix(w, "[") {
			list = append(list, w)
		}
	}
	return list
}
