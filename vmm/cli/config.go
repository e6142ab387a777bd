package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// config is a file with settings: a YAML mapping from names of flags to their
// values. Flags that are given win over it.
type config struct {
	path  string
	lines map[string]int // the settings that come from the file, and their lines in it
}

// notSettings are flags that a file cannot give.
var notSettings = []string{"config", "help"}

// register adds the flag --config to a command, which reads the file before
// the command runs.
func (c *config) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.path, "config", "", "`FILE` with settings in YAML: names of these flags and their values; flags\nthat are given win")
	must(cmd.MarkFlagFilename("config", "yaml", "yml"))
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error { return c.apply(cmd.Flags()) }
}

// apply sets the flags that the file names and the command line does not.
func (c *config) apply(flags *pflag.FlagSet) error {
	if c.path == "" {
		return nil
	}
	settings, err := c.read()
	if err != nil {
		return err
	}
	given := map[string]bool{}
	flags.VisitAll(func(f *pflag.Flag) { given[f.Name] = f.Changed })
	c.lines = map[string]int{}
	seen := map[string]int{}
	for i := 0; i < len(settings); i += 2 {
		name, line := settings[i].Value, settings[i].Line
		f := flags.Lookup(name)
		if f == nil || slices.Contains(notSettings, name) {
			return c.wrong(line, "unknown key %q: 'barreleye config show' lists the keys", name)
		}
		if seen[name] != 0 {
			return c.wrong(line, "%s stands in line %d already: keep one of the two", name, seen[name])
		}
		seen[name] = line
		if given[name] {
			continue
		}
		words, err := settingWords(f, settings[i+1])
		if err != nil {
			return c.wrong(line, "%s: %w", name, err)
		}
		for _, word := range words {
			if err := flags.Set(name, word); err != nil {
				return c.wrong(line, "%w: 'barreleye run --help' explains it", err)
			}
		}
		c.lines[name] = line
	}
	return nil
}

// read returns the file's keys and values in turn.
func (c *config) read() ([]*yaml.Node, error) {
	text, err := os.ReadFile(c.path)
	if err != nil {
		return nil, usage("config: %w: give a file that can be read", err)
	}
	var document, another yaml.Node
	in := yaml.NewDecoder(bytes.NewReader(text))
	err = in.Decode(&document)
	if err == nil {
		err = in.Decode(&another)
	}
	switch {
	case err == nil:
		return nil, c.wrong(another.Line, "a second YAML document: keep one, without --- between settings")
	case !errors.Is(err, io.EOF):
		return nil, usage("config: %s: %s: write it as YAML, a line 'cores: 4' for each setting", c.path, strings.TrimPrefix(err.Error(), "yaml: "))
	case document.Kind == 0: // nothing but comments
		return nil, nil
	}
	top := document.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, c.wrong(top.Line, "no mapping from names to values: write a line 'cores: 4' for each setting")
	}
	return top.Content, nil
}

func (c *config) wrong(line int, format string, args ...any) error {
	return usage("config: %s:%d: "+format, append([]any{c.path, line}, args...)...)
}

// settingWords turns a value into what the flag is set to, one word after the
// other.
func settingWords(f *pflag.Flag, value *yaml.Node) ([]string, error) {
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	_, list := f.Value.(pflag.SliceValue)
	switch {
	case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
		return nil, errors.New("no value: give one, or leave the line out")
	case value.Kind == yaml.ScalarNode:
		return []string{value.Value}, nil
	case value.Kind != yaml.SequenceNode || !list:
		return nil, fmt.Errorf("neither a list nor a mapping is possible here: give one value, such as %q", f.DefValue)
	}
	var words []string
	for _, item := range value.Content {
		if item.Kind != yaml.ScalarNode {
			return nil, errors.New("a list within the list: give plain values")
		}
		words = append(words, item.Value)
	}
	return words, nil
}
