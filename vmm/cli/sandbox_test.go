package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"barreleye/vmm/multikernel"
	"barreleye/vmm/sandbox"
)

// wantSandboxed wants a run of the real binary to be in the sandbox.
func wantSandboxed(t *testing.T, pid int, platform string) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.ReplaceAll(string(text), "\t", ""), "\n")
	want := []string{"NoNewPrivs:1", "Seccomp:2"}
	if !sandbox.Offered().Seccomp {
		want = nil
	}
	if platform == multikernel.PlatformKVM || os.Getuid() != 0 {
		want = append(want, "CapPrm:0000000000000000", "CapEff:0000000000000000")
	}
	for _, line := range want {
		if !slices.Contains(lines, line) {
			t.Errorf("the run is not in the sandbox: no %q in\n%s", line, text)
		}
	}
}
