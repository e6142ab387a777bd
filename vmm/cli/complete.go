package cli

import (
	"barreleye/vmm/builtin"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/runs"

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

// completeRun offers the user's runs for the first argument of a command.
func (h *Host) completeRun(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list, err := h.listRuns()
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault // a folder
	}
	names := []cobra.Completion{cobra.CompletionWithDesc(runs.Latest, "the newest run")}
	for _, r := range list {
		names = append(names, cobra.CompletionWithDesc(r.ID, r.Image+", "+r.State()))
	}
	return names, cobra.ShellCompDirectiveKeepOrder
}

// completeFolder offers folders.
func completeFolder(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// completeFlag offers the values that a flag takes.
func completeFlag(cmd *cobra.Command, name string, values ...cobra.Completion) {
	must(cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
}

// completePlatform offers the platforms for the flag --platform.
func completePlatform(cmd *cobra.Command) {
	completeFlag(cmd, "platform", cobra.CompletionWithDesc(multikernel.PlatformAuto, "KVM where it can be used, else hosted"),
		cobra.CompletionWithDesc(multikernel.PlatformKVM, "each core a virtual machine"),
		cobra.CompletionWithDesc(multikernel.PlatformHosted, "each core a Linux process"))
}

// must is for calls that fail for a flag that is not there, or twice: each
// command line shows that, and so does the first test.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
