package cli

import (
	"strings"

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

// addCompletion adds cobra's command that prints scripts for shells, those for
// shells of Linux. It fails for others.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	cmd, _, err := root.Find([]string{"completion"})
	must(err)
	var shells []string
	for _, sub := range cmd.Commands() {
		if sub.Name() == "powershell" {
			cmd.RemoveCommand(sub)
			continue
		}
		shells = append(shells, sub.Name())
	}
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage("completion: unknown shell %q: there is %s", args[0], strings.Join(shells, ", "))
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// completeCommand completes the name of a command, and of one below it.
func completeCommand(cmd *cobra.Command, args []string, _ string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
	if about, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
		for _, sub := range about.Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
