package cli

import (
	"barreleye/vmm/builtin"

	"github.com/spf13/cobra"
)

// completeImage offers the built-in images for the first argument of a
// command, and the shell's own files where none of them fits.
func completeImage(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault // of the program
	}
	var names []cobra.Completion
	for _, name := range builtin.Names() {
		names = append(names, cobra.CompletionWithDesc(name, descriptions[name]))
	}
	return names, cobra.ShellCompDirectiveDefault
}

// completeFlag offers the values that a flag takes.
func completeFlag(cmd *cobra.Command, name string, values ...cobra.Completion) {
	must(cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
}

// must is for calls that fail for a flag that is not there, or twice: each
// command line shows that, and so does the first test.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
