package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"barreleye/devices/layout"

	"github.com/spf13/cobra"
)

// stamp is "VERSION REVISION" as scripts/version prints it; the Makefile has
// the linker set it. Binaries of the bare go tool have its own stamps at most.
var stamp string

// versionInfo is what `barreleye version` knows.
type versionInfo struct {
	Version  string `json:"version"`            // "(devel)" where unknown
	Revision string `json:"revision,omitempty"` // commit it was built from
	Modified bool   `json:"modified"`           // built from a changed tree
	Go       string `json:"go"`                 // toolchain
	ABI      int    `json:"abi"`                // between this VMM and images
}

func (h *Host) versionCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Show the version, the Go toolchain and the images' ABI",
		Long:    "Version shows what this binary was built from. Images of another ABI version must be built again.",
		Example: "  barreleye version\n  barreleye version -o json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			v := readVersion()
			if output == formatJSON {
				return writeJSON(h.Stdout, v)
			}
			_, err := fmt.Fprintln(h.Stdout, v)
			return err
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func readVersion() versionInfo {
	v := versionInfo{Version: "(devel)", Go: runtime.Version(), ABI: layout.ABI}
	if stamp != "" {
		v.Version, v.Revision, _ = strings.Cut(stamp, " ")
		v.Modified = strings.HasSuffix(v.Version, ".dirty")
		return v
	}
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if b.Main.Version != "" {
		v.Version = b.Main.Version
	}
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// String is the version in one line.
func (v versionInfo) String() string {
	s := "barreleye " + v.Version
	if short := v.Revision[:min(12, len(v.Revision))]; !strings.Contains(v.Version, short) {
		s += " (" + short
		if v.Modified {
			s += ", modified"
		}
		s += ")"
	}
	return fmt.Sprintf("%s %s ABI %d", s, v.Go, v.ABI)
}
