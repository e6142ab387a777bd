package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"barreleye/vmm/cli"

	"github.com/spf13/cobra"
)

// TestPages wants a page for every command that --help lists, the same each
// time.
func TestPages(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		if err := generate(dir, "86400"); err != nil {
			t.Fatal(err)
		}
	}
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
		page, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			t.Error(err)
			return
		}
		for _, part := range []string{"Jan 1970", "SYNOPSIS", "EXAMPLE"} {
			if !bytes.Contains(page, []byte(part)) {
				t.Errorf("%s lacks %q", name, part)
			}
		}
		if again, err := os.ReadFile(filepath.Join(b, name)); err != nil || !bytes.Equal(page, again) {
			t.Errorf("%s differs between two runs (%v)", name, err)
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	check(cli.Command(&cli.Host{}))

	if err := generate(a, "yesterday"); err == nil || !strings.Contains(err.Error(), "git log -1") {
		t.Errorf("a date that is none: got %v", err)
	}
}
