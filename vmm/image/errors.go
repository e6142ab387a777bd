package image

import (
	"errors"
	"fmt"
)

// Reasons to refuse a file. Every error of Load and Open wraps one of them,
// except that Open passes on errors of the file system.
var (
	ErrNotELF    = errors.New("not an ELF executable")
	ErrMachine   = errors.New("not a linux/amd64 executable")
	ErrPIE       = errors.New("position-independent executable")
	ErrDynamic   = errors.New("dynamically linked executable")
	ErrTruncated = errors.New("truncated or damaged ELF file")
	ErrSegment   = errors.New("unusable segment")
	ErrNoTable   = errors.New("not a Barreleye image")
	ErrTable     = errors.New("bad image table")
	ErrABI       = errors.New("image table of another ABI version")
	ErrPclntab   = errors.New("unreadable Go function table")
)

// What the reader of an error can do about it.
const (
	nextBuild   = "build it with GOOS=linux GOARCH=amd64 CGO_ENABLED=0 go build"
	nextRebuild = "build the image again and copy it whole"
	nextLink    = "build with the Go linker's default layout (no -T, no custom -ldflags that move segments)"
	nextDriver  = "rebuild the image with a matching barreleye/guest"
	nextGo      = "build with Go 1.20 or later and its internal linker (CGO_ENABLED=0), and keep the section headers"
)

// refuse makes an error "kind: where: cause: next step". where says which part
// of the file, cause what is wrong with it: an error, which is wrapped, or a
// text.
func refuse(kind error, where string, cause any, next string) error {
	if err, ok := cause.(error); ok {
		return fmt.Errorf("%w: %s: %w: %s", kind, where, err, next)
	}
	return fmt.Errorf("%w: %s: %v: %s", kind, where, cause, next)
}
