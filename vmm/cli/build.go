package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"barreleye/vmm/image"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// buildFlags are what `barreleye build` can be told.
type buildFlags struct {
	out    string
	output format
}

// builtImage is what `barreleye build` made.
type builtImage struct {
	Image    string `json:"image"`    // path of the file
	Bytes    int    `json:"bytes"`    // its size
	Syscalls int    `json:"syscalls"` // system calls in its text
	Patched  int    `json:"patched"`  // those that take no trap
}

func (h *Host) buildCommand() *cobra.Command {
	f := &buildFlags{}
	cmd := &cobra.Command{
		Use:   "build [flags] [DIR|PACKAGE]",
		Short: "Build a program as a guest image, and check it",
		Long: `Build makes a guest image of a Go program, as 'barreleye run DIR' does, and checks that
it is one. DIR is a folder (default: the current one), built in its own module; a
PACKAGE is what the go tool takes it for in the current folder.

The file is NAME.elf in the current folder, NAME being what the go tool would call the
program. Any other way to a static linux/amd64 executable is as good: the program
imports barreleye/guest, and that is all.`,
		Example: `  barreleye build
  barreleye build --out /tmp/greet.elf ./greet
  barreleye build -o json ./greet | jq .bytes`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return noArguments(cmd, args[1:])
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return h.build(f, append(args, ".")[0]) },

		ValidArgsFunction: completeFolder,
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.out, "out", "", "`FILE` to write (default: NAME.elf); in a folder, NAME.elf there")
	outputFlag(cmd, &f.output)
	must(cmd.MarkFlagFilename("out"))
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var bad *pflag.InvalidValueError
		if errors.As(err, &bad) && bad.GetFlag().Name == "output" { // the go tool's -o
			return usage("%w: the file's name goes after --out", err)
		}
		return cmd.Root().FlagErrorFunc()(cmd, err)
	})
	cmd.Flags().Lookup("output").Usage += "; the file's name is for --out"
	return cmd
}

// build is the command itself.
func (h *Host) build(f *buildFlags, arg string) error {
	t := findTarget(arg)
	elf, err := h.goBuild(t)
	if err != nil {
		return &failure{CodeImage, fmt.Errorf("image %s: %w", arg, err)}
	}
	im, err := image.Load(t.program, elf)
	if err != nil {
		return err
	}
	h.warnUnpatched(im, false)
	out, err := writeImage(f.out, t.program+".elf", elf)
	if err != nil {
		return &failure{CodeHost, fmt.Errorf("build: %w: give --out a file that can be written", err)}
	}
	b := builtImage{out, len(elf), len(im.Sites), len(im.Sites) - len(im.Unpatched())}
	if f.output == formatJSON {
		return writeJSON(h.Stdout, b)
	}
	_, err = fmt.Fprintf(h.Stdout, "%s: %d KiB, %d of %d system calls patched\n", b.Image, b.Bytes>>10, b.Patched, b.Syscalls)
	return err
}

// writeImage writes an image to the file of the command line: name where none
// is given, and in a folder.
func writeImage(out, name string, elf []byte) (string, error) {
	if out == "" {
		out = name
	}
	st, err := os.Stat(out)
	if err == nil && st.IsDir() {
		out = filepath.Join(out, name)
		st, err = os.Stat(out)
	}
	if err == nil && st.Mode().IsRegular() {
		// A new file is written: the old one may be running.
		if err := os.Remove(out); err != nil {
			return "", err
		}
	}
	return out, os.WriteFile(out, elf, 0o755)
}
