package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// setting is one line of `barreleye config show`.
type setting struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	From  string `json:"from"`           // "default", "file" or "flag"
	Line  int    `json:"line,omitempty"` // in the file
}

// settings is what the command shows.
type settings struct {
	File     string    `json:"file,omitempty"`
	Settings []setting `json:"settings"`
}

func (h *Host) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the settings that a run would have",
		Long: `A file of settings is given by --config FILE. It is YAML: a line for each setting,
the name of a flag of 'barreleye run' and its value; a flag that may be repeated takes
a list. Flags that are given win over the file. There is no file that is read unasked.`,
		Example: "  barreleye config show\n  barreleye config show --config four.yaml",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("config: unknown command %q: 'barreleye config --help' lists them", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(h.configShowCommand())
	return cmd
}

func (h *Host) configShowCommand() *cobra.Command {
	f, run := &runFlags{}, &cobra.Command{}
	f.registerAll(run)
	var output format
	show := &cobra.Command{
		Use:   "show [flags]",
		Short: "Show all settings and where each comes from",
		Long: `Show takes the flags of 'barreleye run' and prints what run would make of them and of
the file of --config, as YAML that --config reads, with the origin of each value: the
default, a flag, or a line of the file. With -o json, as JSON.`,
		Example: `  barreleye config show
  barreleye config show --config four.yaml --cores 2
  barreleye config show --cores 4 --memory 256M > four.yaml`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if err := f.config.apply(run.Flags()); err != nil {
				return err
			}
			s := effective(run.Flags(), &f.config)
			if output == formatJSON {
				return writeJSON(h.Stdout, s)
			}
			return s.writeYAML(h.Stdout)
		},
	}
	// Run's own -o is a setting like others; here it is the form of this output.
	run.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "output" {
			show.Flags().AddFlag(flag)
		}
	})
	show.Flags().SortFlags = false
	outputFlag(show, &output)
	return show
}

// effective collects the values of all flags that can be settings.
func effective(flags *pflag.FlagSet, c *config) settings {
	s := settings{File: c.path, Settings: []setting{}}
	flags.VisitAll(func(f *pflag.Flag) {
		if slices.Contains(notSettings, f.Name) {
			return
		}
		one := setting{Name: f.Name, Value: typed(f), From: "default"}
		if line := c.lines[f.Name]; line > 0 {
			one.From, one.Line = "file", line
		} else if f.Changed {
			one.From = "flag"
		}
		s.Settings = append(s.Settings, one)
	})
	return s
}

// typed returns a flag's value as what it is in JSON and YAML.
func typed(f *pflag.Flag) any {
	text := f.Value.String()
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return append([]string{}, list.GetSlice()...)
	}
	switch f.Value.Type() {
	case "bool":
		return text == "true"
	case "int":
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	}
	return text
}

// writeYAML writes the settings as a file for --config, with their origins as
// comments.
func (s settings) writeYAML(w io.Writer) error {
	top := &yaml.Node{Kind: yaml.MappingNode}
	for _, one := range s.Settings {
		key, value := &yaml.Node{}, &yaml.Node{}
		if err := errors.Join(key.Encode(one.Name), value.Encode(one.Value)); err != nil {
			return fmt.Errorf("output: %s: %w: report it", one.Name, err)
		}
		// a list is written in one line, so that the comment stands beside it
		value.Style |= yaml.FlowStyle
		value.LineComment = one.From
		if one.From == "file" {
			value.LineComment = fmt.Sprintf("%s:%d", s.File, one.Line)
		}
		top.Content = append(top.Content, key, value)
	}
	out := yaml.NewEncoder(w)
	if err := out.Encode(top); err != nil {
		return fmt.Errorf("output: %w: report it", err)
	}
	return out.Close()
}
