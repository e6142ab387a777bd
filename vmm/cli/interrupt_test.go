package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestInterruptedBuild: a signal while a folder is built ends the go tool, which
// may remove its own folders, and leaves no folder of the command behind.
func TestInterruptedBuild(t *testing.T) {
	binary, _, _ := command(t)
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGTERM} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			bin, temp, program := t.TempDir(), t.TempDir(), t.TempDir()
			script := "#!/bin/sh\ntrap 'touch " + bin + "/asked; exit 1' INT\ntouch " + bin + "/building\nwhile :; do sleep 0.01; done\n"
			if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(program, "main.go"), []byte("package main\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			var errs bytes.Buffer
			cmd := exec.CommandContext(t.Context(), binary, "run", program)
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "TMPDIR="+temp)
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			late := time.Now().Add(time.Minute)
			for exists(filepath.Join(bin, "building")) != nil {
				if time.Now().After(late) {
					t.Fatal("the go tool does not start")
				}
				time.Sleep(time.Millisecond)
			}
			if left, _ := os.ReadDir(temp); len(left) != 1 {
				t.Fatalf("TMPDIR holds %v during the build", left)
			}
			cmd.Process.Signal(sig)
			cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != 128+int(sig) {
				t.Errorf("exit code %d: %s", got, &errs)
			}
			if exists(filepath.Join(bin, "asked")) != nil {
				t.Error("the go tool was not asked to end")
			}
			if left, _ := os.ReadDir(temp); len(left) != 0 {
				t.Errorf("left in TMPDIR: %v", left)
			}
		})
	}
}

func exists(file string) error {
	_, err := os.Stat(file)
	return err
}
