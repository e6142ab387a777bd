package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// didYouMean suggests one of names for a word that is none of them, or nothing. It
// judges as cobra does for commands.
func didYouMean(word string, names []string) string {
	all := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, name := range names {
		all.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	if close := all.SuggestionsFor(word); len(close) > 0 {
		return fmt.Sprintf("did you mean %q? ", close[0])
	}
	return ""
}

// commandNames are the subcommands that help lists.
func commandNames(cmd *cobra.Command) (names []string) {
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// didYouMeanFlag suggests a flag of cmd for the unknown one that err is about.
func didYouMeanFlag(cmd *cobra.Command, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return ""
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	return didYouMean("--"+unknown.GetSpecifiedName(), names)
}
