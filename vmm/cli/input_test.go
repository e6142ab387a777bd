package cli

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestInput runs the real binary as a shell would, with standard input of all
// kinds and a file.
func TestInput(t *testing.T) {
	binary, image, dir := command(t)
	file := filepath.Join(t.TempDir(), "given")
	if err := os.WriteFile(file, []byte("contents"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, platform := range platforms() {
		run := fmt.Sprintf("'%s' run --platform %s --dir '%s' --file '%s:/etc/given' '%s' --", binary, platform, dir, file, image)
		for _, c := range []struct {
			name, script string
			want         []string // lines of stdout
		}{
			{"pipe", "echo hello | " + run + " read /etc/given",
				[]string{`[0] input "hello\n" <nil>`, `[1] input "" <nil>`, `[0] file "contents" <nil>`, `[1] file "contents" <nil>`}},
			{"empty", run + " read /etc/given </dev/null", []string{`[0] input "" <nil>`}},
			{"closed", run + " read /etc/given <&-", []string{`[0] input "" <nil>`}},
			// a program that reads nothing leaves all lines to the shell
			{"loop", `printf 'a\nb\nc\n' | while read -r line; do echo "shell $line"; ` + run + " end; done",
				[]string{"shell a", "shell b", "shell c"}},
		} {
			t.Run(platform+" "+c.name, func(t *testing.T) {
				out, err := exec.Command("sh", "-c", c.script).Output()
				if err != nil {
					t.Errorf("%v", err)
				}
				for _, line := range c.want {
					if !strings.Contains("\n"+string(out), "\n"+line+"\n") {
						t.Errorf("stdout lacks %q:\n%s", line, out)
					}
				}
			})
		}
	}
}

// TestFilesOfAnybody runs hosted cores as a user who is not root, who sees the
// files by way of a user namespace.
func TestFilesOfAnybody(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else; TestInput ran as this user")
	}
	if b, err := os.ReadFile("/proc/sys/kernel/unprivileged_userns_clone"); err == nil && strings.TrimSpace(string(b)) == "0" {
		t.Skip("this system lets users have no namespaces")
	}
	binary, image, dir := command(t)
	for parent := range ancestors(dir) {
		if err := os.Chmod(parent, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(filepath.Dir(binary), 0o755), os.Mkdir(dir, 0o777), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(dir), "given")
	if err := os.WriteFile(file, []byte("contents"), 0o644); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	cmd := exec.Command(binary, "run", "--platform", "hosted", "--dir", dir, "--file", file+":/etc/given", image, "--", "read", "/etc/given")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `[1] file "contents" <nil>`) {
		t.Errorf("%v\n%s", err, out)
	}
}

// ancestors yields the folders above path that the test made.
func ancestors(path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for path = filepath.Dir(path); path != filepath.Clean(os.TempDir()) && path != "/" && yield(path); {
			path = filepath.Dir(path)
		}
	}
}

// TestWithoutNamespaces: where Linux permits none, hosted cores run, but see
// no files of their own.
func TestWithoutNamespaces(t *testing.T) {
	unshare, err := exec.LookPath("unshare")
	if err == nil {
		err = exec.Command(unshare, "-Ur", "true").Run()
	}
	if err != nil {
		t.Skipf("namespaces cannot be limited here: %v", err)
	}
	binary, image, dir := command(t)
	limited := func(args string) (string, int) {
		script := fmt.Sprintf("echo 0 >/proc/sys/user/max_mnt_namespaces && echo 0 >/proc/sys/user/max_user_namespaces && '%s' run --platform hosted --dir '%s' %s", binary, dir, args)
		cmd := exec.Command(unshare, "-Ur", "sh", "-c", script)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := limited(image + " -- end"); code != CodeOK || !strings.Contains(out, "[1] up [end]") {
		t.Errorf("without files: code %d\n%s", code, out)
	}
	if out, code := limited("--file '" + image + "' '" + image + "' -- end"); code != CodeHost || !strings.Contains(out, "barreleye: hosted: files: Linux permits no mount namespace: ") {
		t.Errorf("with files: code %d, want %d\n%s", code, CodeHost, out)
	}
}
