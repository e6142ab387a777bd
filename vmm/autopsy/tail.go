package autopsy

import (
	"io"
	"os"
	"strings"
)

// Tail returns the last lines of a file that has at most so many bytes of them,
// the first perhaps cut off at its start. None of a file that cannot be read.
func Tail(name string, most int64) []string {
	f, err := os.Open(name)
	if err != nil {
		return []string{}
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return []string{}
	}
	b := make([]byte, min(size, most))
	n, _ := f.ReadAt(b, size-int64(len(b)))
	return strings.Split(strings.TrimRight(string(b[:n]), "\n"), "\n")
}

// goEnds are how the Go runtime begins to say why it ends a program.
var goEnds = []string{"panic: ", "fatal error: ", "unexpected fault address ", "SIGQUIT: quit", "SIGABRT: abort"}

// maxWords bounds what GoEnd returns, in characters.
const maxWords = 120

// GoEnd finds in the last lines of a program why the Go runtime ended it: the
// last line that says so. "" where there is none.
func GoEnd(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		for _, start := range goEnds {
			if strings.HasPrefix(lines[i], start) {
				return cut(lines[i], maxWords)
			}
		}
	}
	return ""
}
