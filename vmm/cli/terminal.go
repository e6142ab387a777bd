package cli

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// terminal returns the terminal that w is, if it is one that knows more than
// printing.
func (h *Host) terminal(w io.Writer) (*os.File, bool) {
	f, ok := w.(*os.File)
	if !ok || h.Getenv("TERM") == "dumb" {
		return nil, false
	}
	return f, isTerminal(f)
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// colours reports whether what goes to w may be coloured: on a terminal,
// unless the user wants none (no-color.org).
func (h *Host) colours(w io.Writer) bool {
	_, ok := h.terminal(w)
	return ok && h.Getenv("NO_COLOR") == ""
}
