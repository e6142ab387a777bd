// Package cli is the command line: one file per command. It parses, calls
// package multikernel and shows what that reports; it decides nothing about
// guests. docs/reference/cli.md is its reference, docs/reference/errors.md lists what it can say
// when something is wrong.
package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"barreleye/vmm/sandbox"

	"github.com/spf13/cobra"
)

// Host is what the command line sees of the machine it runs on. Tests replace
// parts of it.
type Host struct {
	Started    time.Time // when the command started
	Executable string    // the command's own file
	Device     string    // the KVM device
	Stdin      io.Reader // of core 0 of a run
	Stdout     io.Writer
	Stderr     io.Writer
	Getenv     func(string) string

	// Confine gives up what a run needs no more; nil where the process has other things
	// to do, as tests do.
	Confine func(sandbox.Config) (sandbox.Held, error)

	interrupt *interrupt // set by Main
}

// Main runs the command line and returns the exit code. An error is one line
// on stderr.
func Main(h Host, args []string) int {
	h.interrupt = newInterrupt()
	defer h.interrupt.stop()
	root := Command(&h)
	root.SetOut(h.Stdout)
	root.SetErr(h.Stderr)
	addCompletion(root)
	if cmd, _, err := root.Find(args); err == nil && cmd.Name() == "test" {
		args = twoDashes(args)
	}
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return CodeOK
	}
	h.complain(err)
	return codeOf(err)
}

// complain writes an error to stderr, as one line, unless all was said.
func (h *Host) complain(err error) {
	if text := err.Error(); text != "" {
		h.note("%s", strings.Join(strings.Fields(text), " "))
	}
}

// note writes one line of the command itself to stderr.
func (h *Host) note(format string, args ...any) {
	fmt.Fprintf(h.Stderr, "barreleye: "+format+"\n", args...)
}

// Command is the tree of all commands. The generator of the man pages reads it.
func Command(h *Host) *cobra.Command {
	version := false
	root := &cobra.Command{
		Use:   "barreleye",
		Short: "Run Go programs as the cores of a multikernel",
		Long: `Barreleye runs one program as several cores: each core is a virtual machine with
one CPU, its own memory and its own Go runtime. Cores share nothing; they send each
other messages through cache lines (URPC).`,
		Example: `  barreleye doctor
  barreleye images
  barreleye run --cores 4 hello`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("unknown command %q: %s'barreleye --help' lists the commands", args[0], didYouMean(args[0], commandNames(cmd)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				_, err := fmt.Fprintln(h.Stdout, readVersion())
				return err
			}
			return cmd.Help()
		},
	}
	root.Flags().BoolVarP(&version, "version", "v", false, "show what 'barreleye version' shows")
	root.SetHelpCommand(helpCommand())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w: %s'%s --help' lists the flags", err, didYouMeanFlag(cmd, err), cmd.CommandPath())
	})
	root.AddCommand(h.runCommand(), h.psCommand(), h.topCommand(), h.coreCommand(), h.traceCommand(), h.debugCommand(), h.shutdownCommand(), h.namesCommand(), h.capsCommand(), h.stacksCommand(), h.pprofCommand(), h.logsCommand(), h.autopsyCommand(), h.runsCommand(), h.initCommand(), h.buildCommand(), h.testCommand(), h.doctorCommand(), h.imagesCommand(), h.benchCommand(), h.configCommand(), h.versionCommand())
	return root
}

// helpCommand is cobra's, but for a command that does not exist it fails.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		Long:  "Help shows how to use a command, as its flag --help does.",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usage("help: unknown command %q: %s'barreleye --help' lists the commands", strings.Join(args, " "), didYouMean(args[len(args)-1], commandNames(about)))
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
		ValidArgsFunction: completeCommand,
	}
}

// noArguments refuses arguments of commands that take none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		path := cmd.CommandPath()
		return usage("%s: unexpected argument %q: '%s --help' shows how to use it", strings.TrimPrefix(path, "barreleye "), args[0], path)
	}
	return nil
}
