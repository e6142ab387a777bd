package cpudriver

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestContracts: above each TEXT stands the Go signature, and above those that are
// jumped to, from the program, the CPU or each other, what they find and what they leave.
func TestContracts(t *testing.T) {
	files, err := filepath.Glob("*.s")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	text := regexp.MustCompile(`(?m)((?:^//.*\n)*)^TEXT ·(\w+)\(SB\),\s*(\S+?),?\s*\$.*\n(\t\w+)?`)
	entries, all := 0, 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := text.FindAllStringSubmatch(string(source), -1)
		if n := strings.Count(string(source), "\nTEXT "); n != len(found) {
			t.Errorf("%s: %d of %d TEXTs are written in a way that this test reads", file, len(found), n)
		}
		for _, f := range found {
			contract, name, flags, first := f[1], f[2], f[3], strings.TrimSpace(f[4])
			all++
			if !strings.Contains(contract, "// func "+name+"(") {
				t.Errorf("%s: no signature stands above %s", file, name)
			}
			if !strings.Contains(flags, "TOPFRAME") || first == "UNDEF" || first == "IRETQ" {
				continue // called as any function, or nothing to say
			}
			entries++
			for _, part := range []string{"//\tin  ", "//\tout "} {
				if !strings.Contains(contract, "\n"+part) {
					t.Errorf("%s: the contract of %s lacks %q", file, name, strings.TrimSpace(strings.TrimPrefix(part, "//\t")))
				}
			}
		}
	}
	if entries < 15 || all < 25 {
		t.Errorf("%d entries of %d TEXTs: this test does not read them", entries, all)
	}
}
