package image

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

// byteRun is a line of assembly with an instruction that Go's assembler does not
// know, written as bytes, and the instruction as a comment behind it.
var byteRun = regexp.MustCompile(`((?:BYTE \$0x[0-9a-f]{2}(?:; *|\s+))+)// (.*)$`)

// TestBytesAreWhatTheySay: each instruction of the CPU driver that is written as bytes
// decodes to what the comment behind it says, and uses up all of them. The test is here
// because guests, and with them their users' modules, need nothing but Go's own library.
func TestBytesAreWhatTheySay(t *testing.T) {
	files, err := filepath.Glob("../../guest/cpudriver/*.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("no assembly: %v", err)
	}
	seen := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if !strings.Contains(line, "BYTE $") {
				continue
			}
			m := byteRun.FindStringSubmatch(line)
			if m == nil {
				t.Errorf("%s:%d: bytes without the instruction behind them: %s", file, i+1, line)
				continue
			}
			var code []byte
			for _, word := range strings.Fields(m[1]) {
				if hex, ok := strings.CutPrefix(strings.TrimSuffix(word, ";"), "$0x"); ok {
					b, err := strconv.ParseUint(hex, 16, 8)
					if err != nil {
						t.Fatal(err)
					}
					code = append(code, byte(b))
				}
			}
			inst, err := x86asm.Decode(code, 64)
			if err != nil {
				t.Errorf("%s:%d: % x: %v", file, i+1, code, err)
				continue
			}
			if got := x86asm.IntelSyntax(inst, 0, nil); got != m[2] || inst.Len != len(code) {
				t.Errorf("%s:%d: % x is %q of %d bytes, the comment says %q", file, i+1, code, got, inst.Len, m[2])
			}
			seen++
		}
	}
	if seen < 7 {
		t.Errorf("only %d instructions written as bytes were found", seen)
	}
}
