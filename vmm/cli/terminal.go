package cli

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// colours reports whether what goes to w may be coloured: on a terminal that
// knows how, unless the user wants none (no-color.org).
func (h *Host) colours(w io.Writer) bool {
	if h.Getenv("NO_COLOR") != "" || h.Getenv("TERM") == "dumb" {
		return false
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
