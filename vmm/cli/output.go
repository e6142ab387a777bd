package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// outputFlag adds -o to a command.
func outputFlag(cmd *cobra.Command, f *format) {
	*f = formatText
	cmd.Flags().VarP(f, "output", "o", "form of the output")
	completeFlag(cmd, "output", string(formatText), string(formatJSON))
}

// writeJSON writes v as indented JSON.
func writeJSON(w io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("output: %w: report it", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}
