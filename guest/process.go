package guest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// isTest reports whether args start a package's test binary: under the name
// that go test gives it or, where a debugger chose another, with its flags.
func isTest(args []string) bool {
	return strings.HasSuffix(args[0], ".test") ||
		slices.ContainsFunc(args[1:], func(s string) bool { return strings.HasPrefix(s, "-test.") })
}

// notCore is the one line of an image that was started as a process: under the
// name arg0, from the file executable.
func notCore(arg0, executable string) string {
	image := arg0 // as it was typed
	switch {
	case strings.Contains(executable, "/go-build"):
		image = "FOLDER" // by go run, which removes the file
	case !strings.Contains(arg0, "/"):
		image = executable // found through PATH
	}
	return fmt.Sprintf("%s: this is a Barreleye guest image, one core of a multikernel: run it with: barreleye run %s",
		shellWord(arg0), shellWord(image))
}

// shellWord writes s as one word of a shell's command line, and on one line.
func shellWord(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+,:@%="
	switch {
	case s != "" && strings.Trim(s, plain) == "":
		return s
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return strconv.Quote(s)
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
