package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"barreleye/vmm/builtin"
	"barreleye/vmm/kvm"
)

// diagnose runs the doctor and returns its checks by name.
func diagnose(t *testing.T, device string, args ...string) (d diagnosis, checks map[string]check, code int) {
	t.Helper()
	if !slices.Contains(builtin.Names(), "hello") {
		t.Skip("no built-in images: build them with make images")
	}
	got := inProcess(device, append([]string{"doctor", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(got.out), &d); err != nil {
		t.Fatalf("%v: %s%s", err, got.out, got.err)
	}
	checks = map[string]check{}
	for _, c := range d.Checks {
		if _, twice := checks[c.Name]; twice {
			t.Errorf("%s is checked twice", c.Name)
		}
		if (c.Fix == "") != (c.Status == statusOK) {
			t.Errorf("%s: status %s, what to do: %q", c.Name, c.Status, c.Fix)
		}
		checks[c.Name] = c
	}
	return d, checks, got.code
}

// TestDoctor runs every check.
func TestDoctor(t *testing.T) {
	needKVM(t)
	d, checks, code := diagnose(t, kvm.DevicePath)
	if code != 0 || !d.OK || !slices.Equal(d.Platforms, []string{"kvm", "hosted"}) {
		t.Errorf("code %d: %+v", code, d)
	}
	for _, name := range []string{"KVM", "VM", "instruction", "TSC", "boot", "hosted"} {
		if c := checks[name]; c.Status != statusOK {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// TestDoctorWithoutKVM finds that cores can run as Linux processes, unless it
// is asked about KVM: then it ends as a run would.
func TestDoctorWithoutKVM(t *testing.T) {
	for device, want := range map[string]struct {
		code int
		fix  string
	}{
		"no-such-device": {CodeNoKVM, "modprobe"},
		// The kernel lets nobody write this file, not even root.
		"/proc/sys/kernel/osrelease": {CodeForbidden, "usermod"},
		os.DevNull:                   {CodeLacking, "kernel"},
	} {
		d, checks, code := diagnose(t, device)
		if code != CodeOK || !d.OK || !slices.Equal(d.Platforms, []string{"hosted"}) {
			t.Errorf("%s: code %d, %+v", device, code, d)
		}
		if c := checks["KVM"]; c.Status != statusFail || strings.Contains(c.Detail, "doctor") || !strings.Contains(c.Fix, want.fix) {
			t.Errorf("%s: %+v", device, c)
		}
		if c := checks["hosted"]; c.Status != statusOK {
			t.Errorf("%s: %+v", device, c)
		}
		if _, ok := checks["VM"]; ok {
			t.Errorf("%s: made a VM", device)
		}
		if d, _, code = diagnose(t, device, "--platform", "kvm"); code != want.code || d.OK || len(d.Platforms) > 0 {
			t.Errorf("%s: --platform kvm: code %d, want %d: %+v", device, code, want.code, d)
		}
	}
	d, checks, code := diagnose(t, os.DevNull, "--platform", "hosted")
	if _, looked := checks["KVM"]; looked || code != CodeOK || !d.OK {
		t.Errorf("--platform hosted: code %d: %+v", code, d)
	}
}

// TestDoctorVerdict has a last line for each outcome.
func TestDoctorVerdict(t *testing.T) {
	seen := map[string]bool{}
	for platform, outcomes := range map[string][][]string{
		"auto": {{}, {"kvm"}, {"hosted"}, {"kvm", "hosted"}}, "kvm": {{"kvm"}}, "hosted": {{"hosted"}},
	} {
		for _, on := range outcomes {
			d := &diagnosis{Platforms: on}
			line := d.verdict(platform)
			if seen[line] {
				t.Errorf("%s, %v: the same line as another outcome: %s", platform, on, line)
			}
			seen[line] = true
		}
	}
}

// TestDoctorText shows what to do below the line it is about.
func TestDoctorText(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	got := inProcess("no-such-device", "doctor")
	lines := strings.Split(got.out, "\n")
	for start, fix := range map[string]string{
		"FAIL  KVM ": "to do: modprobe", "note  go tool ": "to do: install Go", "note  SVM lane ": "apt-get install qemu-system-x86 busybox-static cpio",
	} {
		i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, start) })
		if i < 0 || !strings.Contains(lines[i+1], fix) {
			t.Errorf("no line %q with %q below it:\n%s", start, fix, got.out)
		}
	}
	if got.err != "" {
		t.Errorf("stderr: %q", got.err)
	}
}

// TestDoctorGo has the go tool be too old, broken, and good.
func TestDoctorGo(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join(packageDir, "..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), "\ngo "+strings.TrimPrefix(oldestGo, "go")+".") {
		t.Errorf("go.mod asks for another Go than %s", oldestGo)
	}
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	for script, want := range map[string]string{"echo go1.19.8": statusWarn, "exit 1": statusWarn, "echo " + oldestGo + ".1": statusOK} {
		if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		d := &diagnosis{}
		checkGo(d)
		if got := d.Checks[0]; got.Status != want {
			t.Errorf("%s: %+v", script, got)
		}
	}
}

// TestDoctorLogs has a home that is no folder.
func TestDoctorLogs(t *testing.T) {
	for home, want := range map[string]string{t.TempDir(): statusOK, os.DevNull: statusWarn, "": statusWarn} {
		h, d := Host{Getenv: func(name string) string { return map[string]string{"HOME": home}[name] }}, &diagnosis{}
		h.checkLogs(d)
		if got := d.Checks[0]; got.Status != want {
			t.Errorf("HOME=%s: %+v", home, got)
		}
	}
}
