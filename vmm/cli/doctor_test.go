package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"barreleye/vmm/builtin"
	"barreleye/vmm/kvm"
)

// TestDoctor runs every check.
func TestDoctor(t *testing.T) {
	needKVM(t)
	if !slices.Contains(builtin.Names(), "hello") {
		t.Skip("no built-in images: build them with make images")
	}
	got := inProcess(kvm.DevicePath, "doctor", "-o", "json")
	var d diagnosis
	if err := json.Unmarshal([]byte(got.out), &d); err != nil {
		t.Fatalf("%v: %s", err, got.out)
	}
	if got.code != 0 || !d.OK || d.Checks[len(d.Checks)-1].Name != "boot" {
		t.Errorf("code %d: %s", got.code, got.out)
	}
}

// TestDoctorWithoutKVM says so, and ends as a run would.
func TestDoctorWithoutKVM(t *testing.T) {
	got := inProcess("no-such-device", "doctor")
	if got.code != CodeNoKVM || !strings.Contains(got.out, "FAIL  KVM") || !strings.Contains(got.out, "to do: modprobe") || got.err != "" {
		t.Errorf("code %d: %s%s", got.code, got.out, got.err)
	}
}
