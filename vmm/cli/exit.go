package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"barreleye/vmm/control"
	"barreleye/vmm/hosted"
	"barreleye/vmm/image"
	"barreleye/vmm/kvm"
	"barreleye/vmm/multikernel"

	"golang.org/x/sys/unix"
)

// Exit codes of the command. A guest's own code passes through, so a program
// that wants to be told apart from the command exits with something else.
const (
	CodeOK        = multikernel.CodeOK
	CodeUsage     = 64 // the command line is wrong
	CodeImage     = 65 // the image cannot be used
	CodeNoKVM     = 66 // there is no KVM
	CodeForbidden = 67 // KVM is there, but not for this user
	CodeLacking   = 68 // KVM lacks something cores need
	CodeHost      = 69 // the host is short of something: memory, descriptors, disk
	CodeCrash     = multikernel.CodeCrash
	CodeVMM       = multikernel.CodeVMM
	CodeDeadlock  = multikernel.CodeDeadlock
	CodeRefused   = 74 // a run that lives does not do what was asked
	CodeSIGINT    = 128 + int(unix.SIGINT)
	CodeSIGTERM   = 128 + int(unix.SIGTERM)
)

// failure is an error with the exit code it stands for. One without an error
// ends the command silently: everything was said.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// usage makes an error of the command line.
func usage(format string, args ...any) error {
	return &failure{CodeUsage, fmt.Errorf(format, args...)}
}

// exitWith ends the command with code without saying more.
func exitWith(code int) error {
	if code == CodeOK {
		return nil
	}
	return &failure{code: code}
}

// shortages are the system's errors that mean "not enough" or "not allowed".
var shortages = []error{
	unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.EAGAIN, unix.ENOSPC, unix.EDQUOT, unix.EROFS, unix.ENOTDIR,
	fs.ErrPermission, fs.ErrNotExist, fs.ErrExist, hosted.ErrIsolation,
}

// codeOf returns the exit code of an error.
func codeOf(err error) int {
	var f *failure
	if errors.As(err, &f) {
		return f.code
	}
	var refused *control.Error
	if errors.As(err, &refused) {
		switch refused.Kind {
		case control.KindUsage:
			return CodeUsage
		case control.KindImage:
			return CodeImage
		}
		return CodeRefused
	}
	for _, k := range []struct {
		kind error
		code int
	}{{kvm.ErrMissing, CodeNoKVM}, {kvm.ErrForbidden, CodeForbidden}, {kvm.ErrUnusable, CodeLacking}} {
		if errors.Is(err, k.kind) {
			return k.code
		}
	}
	for _, kind := range imageErrors {
		if errors.Is(err, kind) {
			return CodeImage
		}
	}
	for _, kind := range shortages {
		if errors.Is(err, kind) {
			return CodeHost
		}
	}
	return CodeVMM
}

// imageErrors are the reasons for which package image refuses a file.
var imageErrors = []error{
	image.ErrNotELF, image.ErrMachine, image.ErrPIE, image.ErrDynamic, image.ErrTruncated,
	image.ErrSegment, image.ErrNoTable, image.ErrTable, image.ErrABI, image.ErrPclntab,
}
