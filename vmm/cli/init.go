package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"barreleye/vmm/sources"
	"barreleye/vmm/starter"

	"github.com/spf13/cobra"
)

// initFlags are what `barreleye init` can be told.
type initFlags struct {
	module string
	source string
	output format
}

// newModule is what `barreleye init` made.
type newModule struct {
	Dir    string   `json:"dir"`    // as given
	Module string   `json:"module"` // path of the Go module
	Source string   `json:"source"` // folder of Barreleye's sources
	Files  []string `json:"files"`
}

func (h *Host) initCommand() *cobra.Command {
	f := &initFlags{}
	cmd := &cobra.Command{
		Use:   "init [flags] DIR",
		Short: "Make a new program: a Go module that runs on cores",
		Long: `Init makes DIR a Go module with a small program for several cores that send each
other typed messages, and with its tests. DIR must be new or empty ('.' will do).

The module's go.mod says where Barreleye's Go sources are. They are taken from
--source, from $BARRELEYE_SOURCE, from PREFIX/share/barreleye/src where this binary
is PREFIX/bin/barreleye, or from the folder above the binary that it was built in.`,
		Example: `  barreleye init greet
  barreleye init --module git.example.org/me/greet greet`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("init: no folder given: name the one to make, as in 'barreleye init greet'")
			}
			return noArguments(cmd, args[1:])
		},
		RunE: func(_ *cobra.Command, args []string) error { return h.init(f, args[0]) },

		ValidArgsFunction: completeFolder,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.module, "module", "", "`PATH` of the Go module (default: example.com/ and the folder's name)")
	flags.StringVar(&f.source, "source", "", "`FOLDER` with Barreleye's Go sources")
	outputFlag(cmd, &f.output)
	must(cmd.MarkFlagDirname("source"))
	return cmd
}

// init is the command itself.
func (h *Host) init(f *initFlags, dir string) error {
	tree, err := h.sources(f.source)
	if err != nil {
		return &failure{CodeUsage, fmt.Errorf("init: %w", err)}
	}
	path := f.module
	if path == "" {
		if path, err = starter.ModulePath(dir); err != nil {
			return usage("init: %w", err)
		}
	}
	files, err := starter.Write(dir, path, tree)
	var file *fs.PathError
	if errors.As(err, &file) {
		return &failure{CodeHost, fmt.Errorf("init: %w: name a folder that can be made and written", err)}
	}
	if err != nil {
		return usage("init: %s: %w", dir, err)
	}
	if f.output == formatJSON {
		return writeJSON(h.Stdout, newModule{dir, path, tree.Dir, files})
	}
	_, err = fmt.Fprintf(h.Stdout, `%s: module %s, built with the sources in %s
Try, in that folder:
  barreleye run .     # the program, on two cores
  go test ./...       # its tests
  barreleye test .    # its tests, on a core
`, dir, path, tree.Dir)
	return err
}

// sources finds Barreleye's sources; named is what the command line says.
func (h *Host) sources(named string) (sources.Tree, error) {
	return sources.Find(cmp.Or(named, h.Getenv("BARRELEYE_SOURCE")), h.Executable)
}
